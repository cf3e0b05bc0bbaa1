//! A record's parts and arguments: what types they have, and into which columns they go. Hot, as is all of
//! [`Writer::record`].

use crate::error::WriteError;
use crate::limits::{ARGS_MAX, DEPTH_MAX};
use crate::record::{Arg, Extra, Record, part};
use crate::values;
use crate::writer::Writer;
use crate::writer::frame::{Signature, TYPE_BITS};

/// What a number takes, about: blocks are closed by sums of these.
const NUMBER_BYTES: usize = 2;
/// Arguments whose types fit a word: 64-bit arithmetic is enough for most records.
const ARGS_OF_A_WORD: usize = 20;

impl Writer {
    #[inline]
    pub(super) fn signature(&mut self, args: &[Arg<'_>], bytes: &mut usize) -> Result<Signature, WriteError> {
        if args.len() > ARGS_MAX {
            return Err(WriteError::TooLarge { what: "arguments", found: args.len(), max: ARGS_MAX });
        }
        let mut types: u64 = 1;
        let mut first: Option<u64> = None;
        for (at, arg) in args.iter().enumerate() {
            if at == ARGS_OF_A_WORD {
                first = Some(std::mem::replace(&mut types, 0));
            }
            types = types << TYPE_BITS | u64::from(arg.type_number());
            match arg {
                Arg::Text(text) => *bytes += text.len(),
                Arg::Value(value) => {
                    self.packed.clear();
                    values::put_value(&mut self.packed, value, DEPTH_MAX)?;
                    *bytes += self.packed.len();
                }
                _ => {}
            }
        }
        Ok(match first {
            None => Signature::from(types),
            Some(first) => {
                let others = (args.len() - ARGS_OF_A_WORD) as u32;
                Signature::from(first) << (TYPE_BITS * others) | Signature::from(types)
            }
        })
    }

    /// The parts that a record has; packs those that are packed.
    pub(super) fn parts(&mut self, extra: &Extra<'_>, bytes: &mut usize) -> Result<u32, WriteError> {
        let texts = [
            (part::CATEGORY, extra.category),
            (part::USER_ID, extra.user_id),
            (part::USER_NAME, extra.user_name),
            (part::REFERENCE_ID, extra.reference_id),
            (
                extra.details.map_or(part::DETAILS_TEXT, |(kind, _)| kind.part()),
                extra.details.map(|(_, text)| text),
            ),
        ];
        let mut parts = 0;
        for (which, text) in texts {
            if let Some(text) = text {
                parts |= 1 << which;
                *bytes += text.len();
            }
        }
        if extra.severity.is_some() {
            parts |= 1 << part::SEVERITY;
        }
        if extra.span.is_some_and(|id| self.spans.contains_key(&id)) {
            parts |= 1 << part::SPAN;
        }
        if let Some(exception) = extra.exception {
            self.exception.clear();
            values::put_exception(&mut self.exception, exception)?;
            parts |= 1 << part::EXCEPTION;
            *bytes += self.exception.len();
        }
        if !extra.attributes.is_empty() {
            self.attributes.clear();
            values::put_named_args(&mut self.attributes, extra.attributes)?;
            parts |= 1 << part::ATTRIBUTES;
            *bytes += self.attributes.len();
        }
        Ok(parts)
    }

    /// Puts the record's values into the columns of its shape; returns how many bytes that took, about.
    #[inline]
    pub(super) fn put_values(
        &mut self,
        record: &Record<'_>,
        shape: u32,
        lane: usize,
        parts: u32,
        span: u32,
    ) -> Result<usize, WriteError> {
        let (mut places, columns) = self.frame.columns_of(shape);
        let mut bytes = 0;
        if let Some(extra) = record.extra
            && parts != 0
        {
            let mut rest = parts;
            while rest != 0 {
                let which = rest.trailing_zeros();
                rest &= rest - 1;
                let Some((&place, others)) = places.split_first() else { break };
                places = others;
                let column = &mut columns[place as usize];
                let before = column.bytes.len();
                match which {
                    part::SEVERITY => column.byte(extra.severity.map_or(0, kymo_model::Severity::number)),
                    part::SPAN => column.number(lane, span.into()),
                    part::EXCEPTION => column.blob(&self.exception),
                    part::ATTRIBUTES => column.blob(&self.attributes),
                    other => column.text(lane, text_part(extra, other)),
                }
                bytes += column.bytes.len() - before;
            }
        }
        let mut places = places.iter();
        for arg in record.args {
            if matches!(arg, Arg::Null) {
                continue;
            }
            let Some(&place) = places.next() else { break };
            let column = &mut columns[place as usize];
            bytes += NUMBER_BYTES;
            match arg {
                Arg::Null => {}
                Arg::Bool(value) => column.byte((*value).into()),
                Arg::I64(value) => column.number(lane, *value),
                Arg::U64(value) => column.number(lane, *value as i64),
                Arg::F64(value) => column.float(lane, *value),
                Arg::Text(text) => {
                    let before = column.bytes.len();
                    column.text(lane, text);
                    bytes += column.bytes.len() - before;
                }
                Arg::Value(value) => {
                    self.packed.clear();
                    values::put_value(&mut self.packed, value, DEPTH_MAX)?;
                    column.blob(&self.packed);
                    bytes += self.packed.len();
                }
            }
        }
        Ok(bytes)
    }
}

fn text_part<'a>(extra: &Extra<'a>, which: u32) -> &'a str {
    let text = match which {
        part::CATEGORY => extra.category,
        part::USER_ID => extra.user_id,
        part::USER_NAME => extra.user_name,
        part::REFERENCE_ID => extra.reference_id,
        _ => extra.details.map(|(_, text)| text),
    };
    text.unwrap_or_default()
}
