//! A font of the system for characters that the built-in ones lack.
//!
//! Built in are Latin, Greek and Cyrillic, and most symbols and emoji (in one colour). For the rest - Chinese, Japanese,
//! Korean, Hebrew, Arabic, Thai, the scripts of India - fontconfig is asked, by its program; where it is not there or
//! knows no font, the characters are shown as boxes.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use egui::epaint::text::{FontData, FontDefinitions, FontInsert, FontPriority, InsertFontFamily};
use egui::{Context, FontFamily, FontId};

/// Most fonts that are taken in: one for each script that a text may mix.
pub(crate) const FONTS_MAX: usize = 4;
/// Largest font that is taken in; those for Chinese have some 20 MB.
const FONT_BYTES_MAX: u64 = 64 << 20;
/// Longest answer of fontconfig that is read: a path and a number.
const ANSWER_BYTES_MAX: u64 = 8192;

/// The built-in font for code has arrows and lines that the one for prose lacks.
pub(crate) fn fall_back(context: &Context) {
    let mut fonts = FontDefinitions::default();
    let code = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    let prose = fonts.families.entry(FontFamily::Proportional).or_default();
    for name in code {
        if !prose.contains(&name) {
            prose.push(name);
        }
    }
    context.set_fonts(fonts);
}

/// The first character of the text that no font has. To be asked after a pass.
pub(crate) fn lacking(context: &Context, text: &str) -> Option<char> {
    let font = FontId::proportional(14.0);
    let is_shown = |c: char| !c.is_whitespace() && !c.is_control();
    context.fonts_mut(|fonts| text.chars().find(|&c| is_shown(c) && !fonts.has_glyph(&font, c)))
}

/// Takes in a font that has the character, if the system knows one. It holds from the next pass on.
pub(crate) fn take_in(context: &Context, lacking: char) -> bool {
    let Some((bytes, index)) = find(lacking) else { return false };
    let mut data = FontData::from_owned(bytes);
    data.index = index;
    let families = [FontFamily::Proportional, FontFamily::Monospace]
        .map(|family| InsertFontFamily { family, priority: FontPriority::Lowest });
    context.add_font(FontInsert::new(
        &format!("system for {}", lacking.escape_unicode()),
        data,
        families.to_vec(),
    ));
    true
}

fn find(lacking: char) -> Option<(Vec<u8>, u32)> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut child = Command::new("fc-match")
        .arg("--format=%{index}\n%{file}")
        .arg(format!("sans:charset={:x}:scalable=true", u32::from(lacking)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut answer = String::new();
    let is_read = child.stdout.take()?.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).is_ok();
    drop(child.wait());
    let (index, path) = answer.split_once('\n').filter(|_| is_read)?;
    let mut bytes = Vec::new();
    File::open(path.trim_end()).ok()?.take(FONT_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    // The index's upper half names an instance of a font that varies.
    let index = index.parse::<u32>().ok()? & 0xffff;
    (bytes.len() as u64 <= FONT_BYTES_MAX).then_some((bytes, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let context = Context::default();
        fall_back(&context);
        let mut output = context.run_ui(egui::RawInput::default(), |_| {});
        output.textures_delta.clear();
        context
    }

    #[test]
    fn what_is_built_in() {
        let context = context();
        for text in ["Größe naïve ăğş € • … –", "Ошибка в программе", "Πρόβλημα", "▸ ▾ → ✔ ⚠ 😀 ≤ ∞ ─ │"]
        {
            assert_eq!(lacking(&context, text), None, "{text}");
        }
        for text in ["日", "한", "ע", "ب", "ไ", "अ"] {
            assert_eq!(lacking(&context, &format!("a {text}\n")), text.chars().next());
        }
    }

    #[test]
    fn what_no_font_has_is_not_looked_for_for_ever() {
        let context = context();
        // A character that is none.
        assert_eq!(lacking(&context, "\u{10fffe}"), Some('\u{10fffe}'));
        take_in(&context, '\u{10fffe}');
    }
}
