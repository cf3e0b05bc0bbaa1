//! `@error` and `@simple_error` turned into exceptions. What has no place of its own in the model
//! goes into attributes under the client's name; nothing with content is thrown away.

use kymo_model::{Attributes, Exception, Frame, Value};

use crate::json::{has_content, into_scalar_text};

use super::super::names::canonical;

/// Most causes inside an exception; deeper ones stay as an attribute of the last. Chains beyond a
/// dozen are loops of some wrapper, and readers of the model recurse over them.
const INNER_MAX: usize = 50;

const ERROR: [&str; 6] = ["type", "message", "stack_trace", "inner", "code", "data"];
const FRAME: [&str; 6] =
    ["name", "file_name", "line_number", "column", "declaring_type", "declaring_namespace"];

/// The exception that the entries of `@error` (structured frames) or `@simple_error` (the stack
/// as text) describe. Either form of stack is read in both.
pub(super) fn exception(entries: Vec<(String, Value)>) -> Exception {
    read(entries, INNER_MAX)
}

fn read(entries: Vec<(String, Value)>, inner_left: usize) -> Exception {
    let mut exception = Exception::default();
    let kept = &mut exception.attributes;
    for (key, value) in entries {
        match (canonical(&key, &ERROR), value) {
            (Some("type"), value) => set_text(&mut exception.type_name, key, value, kept),
            (Some("message"), value) => set_text(&mut exception.message, key, value, kept),
            (Some("code"), value) => set_text(&mut exception.code, key, value, kept),
            (Some("stack_trace"), Value::List(frames)) if exception.frames.is_empty() => {
                exception.frames = frames.into_iter().filter_map(frame).collect();
            }
            (Some("stack_trace"), text @ Value::Text(_)) => {
                set_text(&mut exception.stack_text, key, text, kept);
            }
            (Some("inner"), Value::Map(inner))
                if inner_left > 0 && !inner.is_empty() && exception.inner.is_none() =>
            {
                exception.inner = Some(Box::new(read(inner.0, inner_left - 1)));
            }
            (_, value) => keep(kept, key, value),
        }
    }
    exception
}

/// `None` for nothing at all.
fn frame(value: Value) -> Option<Frame> {
    let mut frame = Frame::default();
    let entries = match value {
        Value::Map(entries) => entries.0,
        Value::Text(text) if !text.is_empty() => {
            frame.function = Some(text);
            return Some(frame);
        }
        other if has_content(&other) => {
            frame.attributes.push("frame", other);
            return Some(frame);
        }
        _ => return None,
    };
    let mut namespace = None;
    for (key, value) in entries {
        let kept = &mut frame.attributes;
        match canonical(&key, &FRAME) {
            Some("name") => set_text(&mut frame.function, key, value, kept),
            Some("file_name") => set_text(&mut frame.file, key, value, kept),
            Some("line_number") => set_place(&mut frame.line, key, value, kept),
            Some("column") => set_place(&mut frame.column, key, value, kept),
            Some("declaring_type") => set_text(&mut frame.type_name, key, value, kept),
            Some("declaring_namespace") => set_text(&mut namespace, key, value, kept),
            _ => keep(kept, key, value),
        }
    }
    frame.type_name = match (namespace, frame.type_name) {
        (Some(namespace), Some(name)) => Some(format!("{namespace}.{name}")),
        (namespace, name) => name.or(namespace),
    };
    Some(frame)
}

/// Puts a plain value into its slot, anything else among the attributes.
fn set_text(slot: &mut Option<String>, key: String, value: Value, kept: &mut Attributes) {
    if !has_content(&value) {
        return;
    }
    match into_scalar_text(value) {
        Ok(text) if slot.is_none() => *slot = Some(text),
        Ok(text) => kept.push(key, Value::Text(text)),
        Err(other) => kept.push(key, other),
    }
}

/// Lines and columns count from 1; 0 is how clients write "unknown".
fn set_place(slot: &mut Option<u32>, key: String, value: Value, kept: &mut Attributes) {
    let number = match &value {
        Value::Int(number) => u32::try_from(*number).ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(0) => {}
        Some(number) if slot.is_none() => *slot = Some(number),
        _ => keep(kept, key, value),
    }
}

fn keep(kept: &mut Attributes, key: String, value: Value) {
    if has_content(&value) {
        kept.push(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let entries: Attributes = serde_json::from_str(json).unwrap();
        let expected: Exception = serde_json::from_str(expected).unwrap();
        assert_eq!(exception(entries.0), expected, "{json}");
    }

    #[test]
    fn structured_errors() {
        check(
            r#"{"type":"TypeError","message":"boom","code":5,"stack_trace":[
                {"name":"f","parameters":[],"file_name":"a.js","line_number":23,"column":0,
                 "declaring_type":null,"data":{"is_native":true},"is_signature_target":false},
                {"name":null,"declaring_namespace":"System.IO","declaring_type":"File",
                 "parameters":[{"name":"path","type":"String"}],"module_id":4,"line_number":"7","column":-1}],
               "data":{"@ext":{"code":"E"}},"target_method":{"name":"f"},"modules":[],"inner":null}"#,
            r#"{"type":"TypeError","message":"boom","code":"5","frames":[
                {"function":"f","file":"a.js","line":23,"attributes":{"data":{"is_native":true}}},
                {"type":"System.IO.File","line":7,
                 "attributes":{"parameters":[{"name":"path","type":"String"}],"module_id":4,"column":-1}}],
               "attributes":{"data":{"@ext":{"code":"E"}},"target_method":{"name":"f"}}}"#,
        );
    }

    #[test]
    fn simple_errors_and_other_spellings() {
        check(
            r#"{"Type":"A","Message":"m","StackTrace":"at B()\n at C()","Inner":{"message":"n","inner":{}}}"#,
            r#"{"type":"A","message":"m","stack_text":"at B()\n at C()","inner":{"message":"n"}}"#,
        );
    }

    #[test]
    fn wrong_kinds_are_kept() {
        check(
            r#"{"type":["A"],"message":{"a":1},"stack_trace":["at f",5,null,{}],"inner":"text","x":0,"y":""}"#,
            r#"{"frames":[{"function":"at f"},{"attributes":{"frame":5}},{}],
               "attributes":{"type":["A"],"message":{"a":1},"inner":"text","x":0}}"#,
        );
        check(
            r#"{"stack_trace":{"a":1},"message":"a","Message":"b"}"#,
            r#"{"message":"a","attributes":{"stack_trace":{"a":1},"Message":"b"}}"#,
        );
    }

    #[test]
    fn causes_end_somewhere() {
        let json = format!(r#"{}{{"message":"last"}}{}"#, r#"{"inner":"#.repeat(90), "}".repeat(90));
        let entries: Attributes = serde_json::from_str(&json).unwrap();
        let exception = exception(entries.0);
        assert_eq!(exception.chain().count(), INNER_MAX + 1);
        let deepest = exception.chain().last().unwrap();
        assert!(serde_json::to_string(deepest).unwrap().contains(r#""message":"last""#));
    }
}
