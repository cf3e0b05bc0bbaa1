//! Template and arguments to text.
//!
//! A template is text with holes as Rust's format strings have them: `{}` takes the next argument that no hole
//! names, `{name}` the argument of that field, `{{` and `}}` are braces. After a colon may stand `?` (texts in
//! quotes), `x` (hexadecimal) or `.N` (digits after the point); any other form is shown as if it were not there.

use std::fmt::Write as _;

use crate::record::ArgValue;

/// A text and how many holes its template had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) holes: usize,
}

/// Fills the holes of `template`; `fields` are the names of `args`. A hole without argument stays as it is.
pub(crate) fn render(template: &str, fields: &[String], args: &[ArgValue]) -> Rendered {
    let mut text = String::with_capacity(template.len());
    let mut holes = 0;
    let mut next = 0;
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(doubled) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = doubled;
            continue;
        }
        let Some((hole, after)) = rest.split_once('}').filter(|_| brace == "{") else {
            text.push_str(brace);
            continue;
        };
        let (name, form) = hole.split_once(':').unwrap_or((hole, ""));
        let arg = if name.is_empty() {
            next += 1;
            args.get(next - 1)
        } else {
            fields.iter().position(|field| field == name).and_then(|at| args.get(at))
        };
        if let Some(arg) = arg {
            holes += 1;
            put(&mut text, arg, form);
        } else {
            let _ = write!(text, "{{{hole}}}");
        }
        rest = after;
    }
    text.push_str(rest);
    Rendered { text, holes }
}

fn put(text: &mut String, arg: &ArgValue, form: &str) {
    let digits = form.strip_prefix('.').and_then(|digits| digits.parse::<u8>().ok());
    // Writing to a string does not fail.
    let _ = match (arg, form) {
        (ArgValue::Null, _) => write!(text, "null"),
        (ArgValue::Bool(value), _) => write!(text, "{value}"),
        (ArgValue::I64(value), "x") => write!(text, "{value:x}"),
        (ArgValue::U64(value), "x") => write!(text, "{value:x}"),
        (ArgValue::I64(value), _) => write!(text, "{value}"),
        (ArgValue::U64(value), _) => write!(text, "{value}"),
        (ArgValue::F64(value), _) => match digits {
            Some(digits) => write!(text, "{value:.*}", usize::from(digits)),
            None => write!(text, "{value}"),
        },
        (ArgValue::Text(value), "?") => write!(text, "{value:?}"),
        (ArgValue::Text(value), _) => write!(text, "{value}"),
        (ArgValue::Value(value), _) => put_value(text, value),
    };
}

fn put_value(text: &mut String, value: &kymo_model::Value) -> std::fmt::Result {
    use kymo_model::Value;
    match value {
        Value::List(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                put_value(text, value)?;
            }
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (at, (name, value)) in entries.iter().enumerate() {
                write!(text, "{}{name}: ", if at == 0 { "" } else { ", " })?;
                put_value(text, value)?;
            }
            text.push('}');
        }
        Value::Text(value) => write!(text, "{value:?}")?,
        Value::Null => text.push_str("null"),
        other => text.push_str(&other.to_scalar_text().unwrap_or_default()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled() {
        let fields = ["", "name", "ratio"].map(str::to_owned);
        let args = [ArgValue::U64(255), ArgValue::Text("a\"b".to_owned()), ArgValue::F64(0.5)];
        let rows = [
            ("", ""),
            ("plain", "plain"),
            ("{}", "255"),
            ("{:x} {name} {ratio:.2}", "ff a\"b 0.50"),
            ("{} {} {} {}", "255 a\"b 0.5 {}"),
            ("{name:?}", "\"a\\\"b\""),
            ("{{}} {name", "{} {name"),
            ("}{unknown}", "}{unknown}"),
            ("é{}é", "é255é"),
        ];
        for (template, expected) in rows {
            assert_eq!(render(template, &fields, &args).text, expected, "{template}");
        }
    }
}
