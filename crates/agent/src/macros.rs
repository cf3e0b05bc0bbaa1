//! The macros: the fastest way in.

/// Records a message of a severity: `event!(Severity::INFO, "order {id} took {ms} ms", id, ms = span.ms())`.
///
/// After the template come the values, named by the variable, by `name = value`, or not at all for `{}`. Numbers,
/// truth values and texts are kept as they are, texts by copy; for others `?value` keeps what `Debug` makes of it and
/// `%value` what `Display` makes. Names in the template are checked at compile time; values it does not name are kept
/// too. The values are not looked at where the callsite is disabled.
///
/// Before the template `target: "shop.cart"` says where it belongs, if not to the module; `category:` is the same.
///
/// Does not block but where the ring is full and the policy says so; never panics.
#[macro_export]
macro_rules! event {
    ($severity:expr, target: $target:expr, $template:literal $(, $($fields:tt)*)?) => {
        $crate::__fields!(($severity, ::core::option::Option::Some($target)), $template, [] [], $($($fields)*)?)
    };
    ($severity:expr, category: $category:expr, $template:literal $(, $($fields:tt)*)?) => {
        $crate::__fields!(($severity, ::core::option::Option::Some($category)), $template, [] [], $($($fields)*)?)
    };
    ($severity:expr, $template:literal $(, $($fields:tt)*)?) => {
        $crate::__fields!(($severity, ::core::option::Option::None), $template, [] [], $($($fields)*)?)
    };
}

macro_rules! levels {
    ($dollar:tt $($name:ident $severity:ident $says:literal;)*) => {$(
        #[doc = concat!("Records ", $says, "; see [`event!`](crate::event).")]
        #[macro_export]
        macro_rules! $name {
            ($dollar($dollar rest:tt)+) => {
                $crate::event!($crate::Severity::$severity, $dollar($dollar rest)+)
            };
        }
    )*};
}
levels! { $
    trace TRACE "the finest detail";
    debug DEBUG "what a developer wants to know";
    info INFO "the ordinary";
    warn WARN "the unexpected that was survived";
    error ERROR "a failure";
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fields {
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*] $(,)?) => {
        $crate::__record!($s, $t, [$($n,)*] [$($v,)*])
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], $name:ident = ?$value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* $crate::__private::Debugged::new(&$value),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], $name:ident = %$value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* $crate::__private::Displayed::new(&$value),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* &$value,] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], ?$name:ident $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* $crate::__private::Debugged::new(&$name),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], %$name:ident $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* $crate::__private::Displayed::new(&$name),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], $name:ident $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* stringify!($name),] [$($v,)* &$name,] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], ?$value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* "",] [$($v,)* $crate::__private::Debugged::new(&$value),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], %$value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* "",] [$($v,)* $crate::__private::Displayed::new(&$value),] $(, $($rest)*)?)
    };
    ($s:expr, $t:literal, [$($n:expr,)*] [$($v:expr,)*], $value:expr $(, $($rest:tt)*)?) => {
        $crate::__fields!($s, $t, [$($n,)* "",] [$($v,)* &$value,] $(, $($rest)*)?)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($what:expr, $template:literal, [$($name:expr,)*] [$($value:expr,)*]) => {{
        // How bad, and where it belongs if not to the module.
        const WHAT: ($crate::Severity, ::core::option::Option<&'static str>) = $what;
        static CALLSITE: $crate::__private::Callsite = $crate::__private::in_category(
            $crate::__private::Callsite::new(
                WHAT.0,
                $template,
                &[$($name,)*],
                ::core::file!(),
                ::core::line!(),
                ::core::module_path!(),
            ),
            WHAT.1,
        );
        const {
            ::core::assert!(
                $crate::__private::fits($template, &[$($name,)*]),
                "each `{{name}}` of the template has to be the name of a value, each `{{}}` a value without a name"
            );
        }
        if CALLSITE.is_enabled() {
            $crate::__private::record(&CALLSITE, &$crate::__list!($($value,)*));
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ($first:expr, $($rest:expr,)*) => { ($first, $crate::__list!($($rest,)*)) };
}
