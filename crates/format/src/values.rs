//! Values, attributes and exceptions as bytes: what is seldom, and so is written row by row.

use kymo_model::{Attributes, Exception, Frame, Value};

use crate::error::{Malformed, WriteError};
use crate::limits::{ATTRIBUTES_MAX, DEPTH_MAX};
use crate::record::{Arg, ArgValue};
use crate::wire::{
    Cursor, Field, put_bytes, put_bytes_field, put_number_field, put_text_field, put_varint, unzigzag, zigzag,
};

/// An exception with its causes as a session file has it.
///
/// Errors: more than [`DEPTH_MAX`] causes, or attributes beyond the format's limits.
pub fn exception_bytes(one: &Exception) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    put_exception(&mut out, one)?;
    Ok(out)
}

/// The other way of [`exception_bytes`]; `None` for bytes that are no exception.
pub fn exception_from_bytes(bytes: &[u8]) -> Option<Exception> {
    exception(bytes, &mut 0).ok()
}

/// Attributes as a session file has them.
///
/// Errors: more of them, or more levels, than the format has room for.
pub fn attributes_bytes(those: &Attributes) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    put_attributes(&mut out, those)?;
    Ok(out)
}

/// The other way of [`attributes_bytes`]; `None` for bytes that are no attributes.
pub fn attributes_from_bytes(bytes: &[u8]) -> Option<Attributes> {
    attributes(bytes).ok()
}

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const UNSIGNED: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const LIST: u8 = 7;
    pub(super) const MAP: u8 = 8;
}

/// Appends a tag and the value.
pub(crate) fn put_arg(out: &mut Vec<u8>, arg: &Arg<'_>) -> Result<(), WriteError> {
    match arg {
        Arg::Null => out.push(tag::NULL),
        Arg::Bool(value) => out.push(if *value { tag::TRUE } else { tag::FALSE }),
        Arg::I64(value) => {
            out.push(tag::INT);
            put_varint(out, zigzag(*value));
        }
        Arg::U64(value) => {
            out.push(tag::UNSIGNED);
            put_varint(out, *value);
        }
        Arg::F64(value) => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Arg::Text(text) => {
            out.push(tag::TEXT);
            put_bytes(out, text.as_bytes());
        }
        Arg::Value(value) => put_value(out, value, DEPTH_MAX)?,
    }
    Ok(())
}

/// Appends a tag and the value; `depth` levels of lists and maps at most.
pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), WriteError> {
    if depth == 0 {
        return Err(WriteError::TooLarge { what: "levels of a value", found: DEPTH_MAX + 1, max: DEPTH_MAX });
    }
    match value {
        Value::Null => out.push(tag::NULL),
        Value::Bool(value) => out.push(if *value { tag::TRUE } else { tag::FALSE }),
        Value::Int(value) => {
            out.push(tag::INT);
            put_varint(out, zigzag(*value));
        }
        Value::Float(value) => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            out.push(tag::TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::List(values) => {
            out.push(tag::LIST);
            put_varint(out, values.len() as u64);
            for value in values {
                put_value(out, value, depth - 1)?;
            }
        }
        Value::Map(entries) => {
            out.push(tag::MAP);
            put_entries(out, entries, depth - 1)?;
        }
    }
    Ok(())
}

fn put_entries(out: &mut Vec<u8>, entries: &Attributes, depth: usize) -> Result<(), WriteError> {
    put_varint(out, entries.0.len() as u64);
    for (name, value) in entries {
        put_bytes(out, name.as_bytes());
        put_value(out, value, depth)?;
    }
    Ok(())
}

/// Appends names with their values.
pub(crate) fn put_attributes(out: &mut Vec<u8>, attributes: &Attributes) -> Result<(), WriteError> {
    put_entries(out, attributes, DEPTH_MAX)
}

/// Appends names with their values, as they come with a record.
pub(crate) fn put_named_args(out: &mut Vec<u8>, args: &[(&str, Arg<'_>)]) -> Result<(), WriteError> {
    if args.len() > ATTRIBUTES_MAX {
        return Err(WriteError::TooLarge { what: "attributes", found: args.len(), max: ATTRIBUTES_MAX });
    }
    put_varint(out, args.len() as u64);
    for (name, arg) in args {
        put_bytes(out, name.as_bytes());
        put_arg(out, arg)?;
    }
    Ok(())
}

/// The other way of [`put_value`].
pub(crate) fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed("a value of few levels"))?;
    Ok(match cursor.byte()? {
        tag::NULL => Value::Null,
        tag::FALSE => Value::Bool(false),
        tag::TRUE => Value::Bool(true),
        tag::INT => Value::Int(unzigzag(cursor.varint()?)),
        tag::UNSIGNED => ArgValue::U64(cursor.varint()?).to_value(),
        tag::FLOAT => Value::Float(f64::from_bits(fixed(cursor)?)),
        tag::TEXT => Value::Text(cursor.text()?.to_owned()),
        tag::LIST => {
            // An element takes a byte at least, and the vector grows with what is there.
            let count = cursor.bounded(cursor.len())?;
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(value(cursor, depth)?);
            }
            Value::List(values)
        }
        tag::MAP => Value::Map(entries(cursor, depth)?),
        _ => return Err(Malformed("a value's tag")),
    })
}

/// The other way of [`put_arg`]; a list or map comes as [`ArgValue::Value`].
pub(crate) fn arg(cursor: &mut Cursor<'_>) -> Result<ArgValue, Malformed> {
    let mut ahead = *cursor;
    if ahead.byte()? == tag::UNSIGNED {
        let number = ahead.varint()?;
        *cursor = ahead;
        return Ok(ArgValue::U64(number));
    }
    Ok(match value(cursor, DEPTH_MAX)? {
        Value::Null => ArgValue::Null,
        Value::Bool(value) => ArgValue::Bool(value),
        Value::Int(value) => ArgValue::I64(value),
        Value::Float(value) => ArgValue::F64(value),
        Value::Text(text) => ArgValue::Text(text),
        other => ArgValue::Value(other),
    })
}

fn fixed(cursor: &mut Cursor<'_>) -> Result<u64, Malformed> {
    let mut eight = [0; 8];
    eight.copy_from_slice(cursor.take(8)?);
    Ok(u64::from_le_bytes(eight))
}

fn entries(cursor: &mut Cursor<'_>, depth: usize) -> Result<Attributes, Malformed> {
    let count = cursor.bounded(cursor.len())?;
    let mut entries = Attributes::default();
    for _ in 0..count {
        let name = cursor.text()?.to_owned();
        entries.0.push((name, value(cursor, depth)?));
    }
    Ok(entries)
}

/// The other way of [`put_attributes`] and [`put_named_args`].
pub(crate) fn attributes(bytes: &[u8]) -> Result<Attributes, Malformed> {
    entries(&mut Cursor::new(bytes), DEPTH_MAX)
}

mod exception_field {
    pub(super) const EXCEPTION: u64 = 1;
    pub(super) const TYPE: u64 = 1;
    pub(super) const MESSAGE: u64 = 2;
    pub(super) const CODE: u64 = 3;
    pub(super) const FRAME: u64 = 4;
    pub(super) const STACK_TEXT: u64 = 5;
    pub(super) const ATTRIBUTES: u64 = 6;
}

mod frame_field {
    pub(super) const FUNCTION: u64 = 1;
    pub(super) const TYPE: u64 = 2;
    pub(super) const FILE: u64 = 3;
    pub(super) const LINE: u64 = 4;
    pub(super) const COLUMN: u64 = 5;
    pub(super) const ATTRIBUTES: u64 = 6;
}

/// Appends the exception and its causes, from the outside in.
pub(crate) fn put_exception(out: &mut Vec<u8>, exception: &Exception) -> Result<(), WriteError> {
    let found = exception.chain().count();
    if found > DEPTH_MAX {
        return Err(WriteError::TooLarge { what: "causes of an exception", found, max: DEPTH_MAX });
    }
    let mut one = Vec::new();
    for exception in exception.chain() {
        use exception_field as field;
        one.clear();
        put_text_field(&mut one, field::TYPE, exception.type_name.as_deref());
        put_text_field(&mut one, field::MESSAGE, exception.message.as_deref());
        put_text_field(&mut one, field::CODE, exception.code.as_deref());
        put_text_field(&mut one, field::STACK_TEXT, exception.stack_text.as_deref());
        for frame in &exception.frames {
            put_bytes_field(&mut one, field::FRAME, &frame_bytes(frame)?);
        }
        put_attributes_field(&mut one, field::ATTRIBUTES, &exception.attributes)?;
        put_bytes_field(out, field::EXCEPTION, &one);
    }
    Ok(())
}

fn frame_bytes(frame: &Frame) -> Result<Vec<u8>, WriteError> {
    use frame_field as field;
    let mut out = Vec::new();
    put_text_field(&mut out, field::FUNCTION, frame.function.as_deref());
    put_text_field(&mut out, field::TYPE, frame.type_name.as_deref());
    put_text_field(&mut out, field::FILE, frame.file.as_deref());
    if let Some(line) = frame.line {
        put_number_field(&mut out, field::LINE, line.into());
    }
    if let Some(column) = frame.column {
        put_number_field(&mut out, field::COLUMN, column.into());
    }
    put_attributes_field(&mut out, field::ATTRIBUTES, &frame.attributes)?;
    Ok(out)
}

/// Appends a field with the attributes, unless there are none.
pub(crate) fn put_attributes_field(
    out: &mut Vec<u8>,
    field: u64,
    attributes: &Attributes,
) -> Result<(), WriteError> {
    if !attributes.is_empty() {
        let mut bytes = Vec::new();
        put_attributes(&mut bytes, attributes)?;
        put_bytes_field(out, field, &bytes);
    }
    Ok(())
}

/// The other way of [`put_exception`]; `unknown` counts fields that are stepped over.
pub(crate) fn exception(bytes: &[u8], unknown: &mut u64) -> Result<Exception, Malformed> {
    let mut chain = Vec::new();
    let mut cursor = Cursor::new(bytes);
    while let Some((number, field)) = cursor.field()? {
        match number {
            exception_field::EXCEPTION if chain.len() < DEPTH_MAX => {
                chain.push(one_exception(field.bytes()?, unknown)?);
            }
            exception_field::EXCEPTION => return Err(Malformed("an exception with few causes")),
            _ => *unknown += 1,
        }
    }
    let outermost =
        chain.into_iter().rev().reduce(|inner, outer| Exception { inner: Some(Box::new(inner)), ..outer });
    outermost.ok_or(Malformed("an exception"))
}

fn one_exception(bytes: &[u8], unknown: &mut u64) -> Result<Exception, Malformed> {
    use exception_field as number;
    let mut exception = Exception::default();
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            number::TYPE => exception.type_name = Some(field.string()?),
            number::MESSAGE => exception.message = Some(field.string()?),
            number::CODE => exception.code = Some(field.string()?),
            number::STACK_TEXT => exception.stack_text = Some(field.string()?),
            number::FRAME => exception.frames.push(frame(field.bytes()?, unknown)?),
            number::ATTRIBUTES => exception.attributes = attributes(field.bytes()?)?,
            _ => *unknown += 1,
        }
    }
    Ok(exception)
}

fn frame(bytes: &[u8], unknown: &mut u64) -> Result<Frame, Malformed> {
    use frame_field as number;
    let small =
        |field: Field<'_>| -> Result<Option<u32>, Malformed> { Ok(u32::try_from(field.number()?).ok()) };
    let mut frame = Frame::default();
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            number::FUNCTION => frame.function = Some(field.string()?),
            number::TYPE => frame.type_name = Some(field.string()?),
            number::FILE => frame.file = Some(field.string()?),
            number::LINE => frame.line = small(field)?,
            number::COLUMN => frame.column = small(field)?,
            number::ATTRIBUTES => frame.attributes = attributes(field.bytes()?)?,
            _ => *unknown += 1,
        }
    }
    Ok(frame)
}
