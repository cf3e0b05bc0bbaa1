//! What most messages do not have, in one value of kind `Parts`: `tag 1 byte | length 4 bytes | bytes`, each.

use kymo_format::{Arg, DetailsKind};
use kymo_model::{Attributes, Exception, Severity};

use super::field::{Field, FieldKind, TEXT_BYTES_MAX, text_word};

/// Longest text of one part but details: names and ids are far shorter.
const SHORT_BYTES_MAX: usize = 4096;
/// Longest details: with the rest of a record within what the session file takes.
pub(crate) const DETAILS_BYTES_MAX: usize = 512 * 1024;
/// Longest exception and attributes.
const STRUCTURED_BYTES_MAX: usize = 192 * 1024;
/// Longest spans together: four with values of full length, and with all other parts within a text.
#[cfg(feature = "tracing")]
const SPANS_BYTES_MAX: usize = 64 * 1024;

mod tag {
    pub(super) const SEVERITY: u8 = 1;
    pub(super) const CATEGORY: u8 = 2;
    pub(super) const USER_ID: u8 = 3;
    pub(super) const USER_NAME: u8 = 4;
    pub(super) const REFERENCE_ID: u8 = 5;
    pub(super) const DETAILS_JSON: u8 = 6;
    pub(super) const DETAILS_XML: u8 = 7;
    pub(super) const DETAILS_TEXT: u8 = 8;
    pub(super) const EXCEPTION: u8 = 9;
    pub(super) const ATTRIBUTES: u8 = 10;
    pub(super) const SPAN: u8 = 11;
}

/// Parts on their way into a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts(Vec<u8>);

impl Parts {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn put(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend(bytes);
    }

    fn put_text(&mut self, tag: u8, text: &str, bytes_max: usize) {
        self.put(tag, &text.as_bytes()[..text.floor_char_boundary(bytes_max)]);
    }

    pub(crate) fn severity(&mut self, severity: Severity) {
        self.put(tag::SEVERITY, &[severity.number()]);
    }

    pub(crate) fn category(&mut self, category: &str) {
        self.put_text(tag::CATEGORY, category, SHORT_BYTES_MAX);
    }

    pub(crate) fn user(&mut self, id: &str, name: Option<&str>) {
        self.put_text(tag::USER_ID, id, SHORT_BYTES_MAX);
        if let Some(name) = name {
            self.put_text(tag::USER_NAME, name, SHORT_BYTES_MAX);
        }
    }

    pub(crate) fn reference_id(&mut self, id: &str) {
        self.put_text(tag::REFERENCE_ID, id, SHORT_BYTES_MAX);
    }

    pub(crate) fn details(&mut self, kind: DetailsKind, text: &str) {
        let tag = match kind {
            DetailsKind::Json => tag::DETAILS_JSON,
            DetailsKind::Xml => tag::DETAILS_XML,
            DetailsKind::Text => tag::DETAILS_TEXT,
        };
        self.put_text(tag, text, DETAILS_BYTES_MAX);
    }

    /// One that is too long or nested too deeply is left out; its message is in the record's text.
    pub(crate) fn exception(&mut self, exception: &Exception) {
        if let Ok(bytes) = kymo_format::exception_bytes(exception)
            && bytes.len() <= STRUCTURED_BYTES_MAX
        {
            self.put(tag::EXCEPTION, &bytes);
        }
    }

    /// Those that are too many or too long are left out.
    pub(crate) fn attributes(&mut self, attributes: &Attributes) {
        if !attributes.is_empty()
            && let Ok(bytes) = kymo_format::attributes_bytes(attributes)
            && bytes.len() <= STRUCTURED_BYTES_MAX
        {
            self.put(tag::ATTRIBUTES, &bytes);
        }
    }
}

/// A span as a record tells it: what it is, and the values that its callsite names.
#[cfg(feature = "tracing")]
#[derive(Debug)]
pub(crate) struct ToldSpan(Vec<u8>);

#[cfg(feature = "tracing")]
impl ToldSpan {
    /// Within the parent, 0 for none; the callsite by its number in the dictionary.
    pub(crate) fn new(id: u64, parent: u64, callsite: u32) -> Self {
        let mut bytes = Vec::new();
        bytes.extend(id.to_le_bytes());
        bytes.extend(parent.to_le_bytes());
        bytes.extend(callsite.to_le_bytes());
        Self(bytes)
    }

    /// A value of one word, or none.
    pub(crate) fn push(&mut self, kind: FieldKind, word: u64) {
        self.0.push(kind as u8);
        self.0.extend(word.to_le_bytes());
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        self.push(FieldKind::Text, text.len() as u64);
        self.0.extend(text.as_bytes());
    }
}

#[cfg(feature = "tracing")]
impl Parts {
    /// Spans that this record is within, innermost first; the outer ones are left out where there is no room. Put
    /// outermost first, as they are opened.
    pub(crate) fn spans(&mut self, spans: &[ToldSpan]) {
        let mut bytes = 0;
        let fits = |span: &&ToldSpan| {
            bytes += span.0.len();
            bytes <= SPANS_BYTES_MAX
        };
        let fitting = spans.iter().take_while(fits).count();
        for span in spans[..fitting].iter().rev() {
            self.put(tag::SPAN, &span.0);
        }
    }
}

/// A span as it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadSpan<'a> {
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) callsite: u32,
    pub(crate) args: Vec<Arg<'a>>,
}

fn read_span(mut bytes: &[u8]) -> Option<ReadSpan<'_>> {
    let (id, parent) = (take_u64(&mut bytes)?, take_u64(&mut bytes)?);
    let (callsite, mut bytes) = bytes.split_first_chunk()?;
    let mut args = Vec::new();
    while let Some((&kind, mut rest)) = bytes.split_first() {
        let word = take_u64(&mut rest)?;
        args.push(match FieldKind::from_bits(kind.into())? {
            FieldKind::Unsigned => Arg::U64(word),
            FieldKind::Signed => Arg::I64(word as i64),
            FieldKind::Float => Arg::F64(f64::from_bits(word)),
            FieldKind::Bool => Arg::Bool(word != 0),
            FieldKind::Text => {
                let (text, after) = rest.split_at_checked(usize::try_from(word).ok()?)?;
                rest = after;
                Arg::Text(std::str::from_utf8(text).ok()?)
            }
            _ => Arg::Null,
        });
        bytes = rest;
    }
    let parent = Some(parent).filter(|&parent| parent != 0);
    Some(ReadSpan { id, parent, callsite: u32::from_le_bytes(*callsite), args })
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (first, after) = bytes.split_first_chunk()?;
    *bytes = after;
    Some(u64::from_le_bytes(*first))
}

impl Field for Parts {
    const KIND: FieldKind = FieldKind::Parts;

    fn word(&self) -> u64 {
        text_word(self.0.len())
    }

    fn text(&self) -> &[u8] {
        // Each part has a limit, and all of them together are below this one.
        &self.0[..self.0.len().min(TEXT_BYTES_MAX)]
    }
}

/// Parts as they are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ReadParts<'a> {
    pub(crate) severity: Option<Severity>,
    pub(crate) category: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) reference_id: Option<&'a str>,
    pub(crate) details: Option<(DetailsKind, &'a str)>,
    pub(crate) exception: Option<Exception>,
    pub(crate) attributes: Attributes,
    /// To be known before the record that says them, outermost first.
    pub(crate) spans: Vec<ReadSpan<'a>>,
}

/// Everything up to the first part that is not whole; what is not understood is passed by.
pub(crate) fn read(mut bytes: &[u8]) -> ReadParts<'_> {
    let mut parts = ReadParts::default();
    while let Some((tag, rest)) = bytes.split_first()
        && let Some((length, rest)) = rest.split_first_chunk()
        && let Some((part, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)
    {
        bytes = rest;
        let text = std::str::from_utf8(part).ok();
        match *tag {
            tag::SEVERITY => {
                parts.severity = part.first().and_then(|&number| Severity::from_number(number));
            }
            tag::CATEGORY => parts.category = text,
            tag::USER_ID => parts.user_id = text,
            tag::USER_NAME => parts.user_name = text,
            tag::REFERENCE_ID => parts.reference_id = text,
            tag::DETAILS_JSON => parts.details = text.map(|text| (DetailsKind::Json, text)),
            tag::DETAILS_XML => parts.details = text.map(|text| (DetailsKind::Xml, text)),
            tag::DETAILS_TEXT => parts.details = text.map(|text| (DetailsKind::Text, text)),
            tag::EXCEPTION => parts.exception = kymo_format::exception_from_bytes(part),
            tag::ATTRIBUTES => {
                parts.attributes = kymo_format::attributes_from_bytes(part).unwrap_or_default();
            }
            tag::SPAN => parts.spans.extend(read_span(part)),
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_were_put_and_cut_ones_up_to_the_cut() {
        let exception = Exception {
            type_name: Some("E".to_owned()),
            inner: Some(Box::new(Exception { message: Some("cause".to_owned()), ..Exception::default() })),
            ..Exception::default()
        };
        let mut parts = Parts::default();
        parts.severity(Severity::ERROR);
        parts.category("shop.cart");
        parts.user("7", Some("Ann"));
        parts.reference_id("r1");
        parts.exception(&exception);
        parts.details(DetailsKind::Json, "{}");
        let whole = read(&parts.0);
        assert_eq!(
            whole,
            ReadParts {
                severity: Some(Severity::ERROR),
                category: Some("shop.cart"),
                user_id: Some("7"),
                user_name: Some("Ann"),
                reference_id: Some("r1"),
                details: Some((DetailsKind::Json, "{}")),
                exception: Some(exception),
                attributes: Attributes::default(),
                spans: Vec::new(),
            }
        );
        for length in 0..parts.0.len() {
            let cut = read(&parts.0[..length]);
            assert!(cut.details.is_none());
            assert_eq!(cut.severity.is_some(), length >= 6);
        }
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn spans_are_read_outermost_first_and_those_without_room_are_left_out() {
        let told = |id: u64, text: &str| {
            let mut span = ToldSpan::new(id, id - 1, 40 + id as u32);
            span.push(FieldKind::Signed, -3_i64 as u64);
            span.push(FieldKind::Absent, 0);
            span.push_text(text);
            span
        };
        let mut parts = Parts::default();
        parts.spans(&[told(2, "in"), told(1, "out")]);
        let span = |id: u64, parent, text| {
            let args = vec![Arg::I64(-3), Arg::Null, Arg::Text(text)];
            ReadSpan { id, parent, callsite: 40 + id as u32, args }
        };
        assert_eq!(read(&parts.0).spans, [span(1, None, "out"), span(2, Some(1), "in")]);
        for length in 0..parts.0.len() {
            assert!(read(&parts.0[..length]).spans.len() < 2, "{length}");
        }
        let mut parts = Parts::default();
        parts.spans(&[told(2, "in"), told(1, &"x".repeat(SPANS_BYTES_MAX))]);
        assert_eq!(read(&parts.0).spans, [span(2, Some(1), "in")]);
    }
}
