//! Routes that can be listed: a test holds the list against who may use each, so that none is forgotten.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{self, MethodRouter};
use tower::{Layer, Service};
use utoipa::openapi::{OpenApi, PathItem};

use crate::state::AppState;

/// A route of the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Its path, with names in braces for what varies.
    pub path: Cow<'static, str>,
}

/// What `axum::Router` is, with a list of what is in it.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<AppState>,
    list: Vec<Route>,
}

/// What `axum::routing::MethodRouter` is, with the methods' names.
pub(crate) struct Methods {
    router: MethodRouter<AppState>,
    names: Vec<&'static str>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Routes that a description lists.
    pub(crate) fn described(router: Router<AppState>, document: &OpenApi) -> Self {
        let of_path = |(path, item): (&String, &PathItem)| {
            let methods = [
                ("GET", &item.get),
                ("HEAD", &item.head),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            let there = methods.into_iter().filter(|(_, operation)| operation.is_some());
            let path = Cow::<'static, str>::Owned(path.clone());
            there.map(|(method, _)| Route { method, path: path.clone() }).collect::<Vec<_>>()
        };
        Self { router, list: document.paths.paths.iter().flat_map(of_path).collect() }
    }

    pub(crate) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.list.extend(methods.names.iter().map(|method| Route { method, path: Cow::Borrowed(path) }));
        Self { router: self.router.route(path, methods.router), list: self.list }
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        Self { router: self.router.merge(other.router), list: self.list }
    }

    pub(crate) fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<routing::Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self { router: self.router.layer(layer), list: self.list }
    }

    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }

    pub(crate) fn into_list(self) -> Vec<Route> {
        self.list
    }
}

impl Methods {
    fn new() -> Self {
        Self { router: MethodRouter::new(), names: Vec::new() }
    }

    fn with(
        mut self,
        name: &'static str,
        add: impl FnOnce(MethodRouter<AppState>) -> MethodRouter<AppState>,
    ) -> Self {
        self.names.push(name);
        Self { router: add(self.router), names: self.names }
    }
}

/// As `axum::routing` has them: the first for a path, and more of the same path.
macro_rules! methods {
    (first: $($first:ident)*; more: $($more:ident $name:literal)*) => {
        $(
            pub(crate) fn $first<H, T>(handler: H) -> Methods
            where
                H: Handler<T, AppState>,
                T: 'static,
            {
                Methods::new().$first(handler)
            }
        )*

        impl Methods {
            $(
                pub(crate) fn $more<H, T>(self, handler: H) -> Self
                where
                    H: Handler<T, AppState>,
                    T: 'static,
                {
                    self.with($name, |router| router.$more(handler))
                }
            )*
        }
    };
}

methods! {
    first: get post;
    more: get "GET" post "POST"
}
