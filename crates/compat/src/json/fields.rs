//! One object's JSON read into its members. Hot: every posted event passes here once, straight
//! from the text; nothing may be added that looks at all members again.

use std::fmt;
use std::marker::PhantomData;

use kymo_model::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The members that mean something.
pub(crate) trait Member: Copy {
    /// The member that `key` spells.
    fn named(key: &str) -> Option<Self>;

    /// How it is written.
    fn name(self) -> &'static str;

    /// Its place among the known ones.
    fn index(self) -> usize;
}

/// An object's members, the `N` known ones apart.
#[derive(Debug)]
pub(crate) struct Fields<K, const N: usize> {
    known: [Option<Value>; N],
    /// The unknown ones in order.
    pub(crate) others: Vec<(String, Value)>,
    names: PhantomData<K>,
}

impl<K: Member, const N: usize> Default for Fields<K, N> {
    fn default() -> Self {
        Self { known: [const { None }; N], others: Vec::new(), names: PhantomData }
    }
}

impl<K: Member, const N: usize> Fields<K, N> {
    /// The member's value, if it was there and not null.
    pub(crate) fn take(&mut self, field: K) -> Option<Value> {
        self.known[field.index()].take()
    }

    /// Whether no member is there that is not null.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.iter().all(Option::is_none) && self.others.iter().all(|(_, value)| *value == Value::Null)
    }

    /// Sets a member. Of two spellings the later one counts; the earlier one is kept among the
    /// others.
    pub(crate) fn set(&mut self, field: K, value: Value) {
        if value == Value::Null {
            return;
        }
        if let Some(earlier) = self.known[field.index()].replace(value) {
            self.others.push((field.name().to_owned(), earlier));
        }
    }
}

impl<'de, K: Member, const N: usize> Deserialize<'de> for Fields<K, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<K, const N: usize>(PhantomData<K>);
        impl<'de, K: Member, const N: usize> Visitor<'de> for Members<K, N> {
            type Value = Fields<K, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<K, N>, A::Error> {
                let mut fields = Fields::default();
                while let Some(key) = map.next_key::<Key<K>>()? {
                    let value = map.next_value()?;
                    match key {
                        Key::Known(field) => fields.set(field, value),
                        Key::Other(name) => fields.others.push((name, value)),
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

enum Key<K> {
    Known(K),
    Other(String),
}

impl<'de, K: Member> Deserialize<'de> for Key<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name<K>(PhantomData<K>);
        impl<K: Member> Visitor<'_> for Name<K> {
            type Value = Key<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<K>, E> {
                Ok(K::named(name).map_or_else(|| Key::Other(name.to_owned()), Key::Known))
            }
        }
        deserializer.deserialize_str(Name(PhantomData))
    }
}
