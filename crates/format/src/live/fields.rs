//! Fields of messages, gathered before they are given out.

use kymo_model::SessionId;

use crate::error::Malformed;
use crate::wire::{Cursor, Field};

/// The highest number of a field that any message has.
const FIELDS_MAX: usize = 8;

/// The fields of a payload by their numbers; those it does not know are stepped over. Of one that comes twice the last
/// counts.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>([Option<Field<'a>>; FIELDS_MAX]);

impl<'a> Fields<'a> {
    pub(super) fn of(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        let mut cursor = Cursor::new(payload);
        while let Some((number, field)) = cursor.field()? {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            if let Some(place) = place.and_then(|place| fields.0.get_mut(place)) {
                *place = Some(field);
            }
        }
        Ok(fields)
    }

    fn get(&self, number: usize) -> Option<Field<'a>> {
        self.0.get(number - 1).copied().flatten()
    }

    /// A number; 0 if it is missing.
    pub(super) fn number(&self, number: usize) -> Result<u64, Malformed> {
        self.get(number).map_or(Ok(0), Field::number)
    }

    pub(super) fn maybe_number(&self, number: usize) -> Result<Option<u64>, Malformed> {
        self.get(number).map(Field::number).transpose()
    }

    /// Bytes; none if they are missing.
    pub(super) fn bytes(&self, number: usize) -> Result<&'a [u8], Malformed> {
        self.get(number).map_or(Ok(&[]), Field::bytes)
    }

    /// A text; empty if it is missing.
    pub(super) fn text(&self, number: usize) -> Result<String, Malformed> {
        self.get(number).map_or(Ok(String::new()), Field::string)
    }

    pub(super) fn maybe_text(&self, number: usize) -> Result<Option<String>, Malformed> {
        self.get(number).map(Field::string).transpose()
    }

    pub(super) fn sixteen(&self, number: usize) -> Result<[u8; 16], Malformed> {
        self.bytes(number)?.try_into().map_err(|_| Malformed("sixteen bytes"))
    }

    pub(super) fn session(&self, number: usize) -> Result<SessionId, Malformed> {
        Ok(SessionId::from_u128(u128::from_be_bytes(self.sixteen(number)?)))
    }
}
