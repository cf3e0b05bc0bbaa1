//! Colours, sizes of type and of what is clicked: those of Kymo's page.

use std::sync::Arc;

use egui::style::{ScrollAnimation, ScrollStyle, Selection, WidgetVisuals};
use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, Visuals, vec2,
};

/// Height of buttons: what a finger meets.
pub(crate) const BUTTON_HEIGHT: f32 = 32.0;
const RADIUS: u8 = 6;

/// The colours of one theme.
pub(crate) struct Palette {
    pub(crate) surface: Color32,
    /// Boxes on the surface.
    pub(crate) sunken: Color32,
    pub(crate) text: Color32,
    pub(crate) muted: Color32,
    pub(crate) line: Color32,
    pub(crate) line_strong: Color32,
    pub(crate) hover: Color32,
    pub(crate) accent: Color32,
    pub(crate) accent_hover: Color32,
    pub(crate) accent_text: Color32,
    pub(crate) selected: Color32,
    pub(crate) warning: Color32,
    pub(crate) warning_text: Color32,
}

const fn rgb(colour: u32) -> Color32 {
    Color32::from_rgb((colour >> 16) as u8, (colour >> 8) as u8, colour as u8)
}

const LIGHT: Palette = Palette {
    surface: rgb(0x00fc_fdfd),
    sunken: rgb(0x00f3_f6f8),
    text: rgb(0x001f_252b),
    muted: rgb(0x0055_5d66),
    line: rgb(0x00df_e4e8),
    line_strong: rgb(0x0091_9aa3),
    hover: rgb(0x00e9_f0f5),
    accent: rgb(0x0003_699a),
    accent_hover: rgb(0x0002_5880),
    accent_text: Color32::WHITE,
    selected: rgb(0x00b9_dcf2),
    warning: rgb(0x00c9_3427),
    warning_text: Color32::WHITE,
};
const DARK: Palette = Palette {
    surface: rgb(0x0013_181d),
    sunken: rgb(0x001c_2228),
    text: rgb(0x00dd_e3e8),
    muted: rgb(0x009a_a3ac),
    line: rgb(0x002a_3138),
    line_strong: rgb(0x0067_707a),
    hover: rgb(0x0026_2e36),
    accent: rgb(0x0066_c0e8),
    accent_hover: rgb(0x008a_d2f2),
    accent_text: rgb(0x0008_1b26),
    selected: rgb(0x0021_4c66),
    warning: rgb(0x00f0_7566),
    warning_text: rgb(0x0024_0805),
};

/// The palette of the theme that holds.
pub(crate) fn palette(theme: Theme) -> &'static Palette {
    match theme {
        Theme::Light => &LIGHT,
        Theme::Dark => &DARK,
    }
}

/// Sets both themes.
pub(crate) fn apply(context: &Context) {
    for theme in [Theme::Light, Theme::Dark] {
        let mut style = Style { animation_time: 0.0, ..Style::default() };
        style.visuals = visuals(theme);
        style.text_styles = [
            (TextStyle::Heading, FontId::new(19.0, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(14.5, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(14.5, FontFamily::Proportional)),
            (TextStyle::Small, FontId::new(12.5, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
        ]
        .into();
        style.scroll_animation = ScrollAnimation::none();
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(8.0, 8.0);
        spacing.button_padding = vec2(14.0, 5.0);
        spacing.icon_width = 18.0;
        spacing.icon_width_inner = 11.0;
        spacing.icon_spacing = 8.0;
        spacing.interact_size.y = 24.0;
        // Always to be seen: it says that there is more.
        spacing.scroll = ScrollStyle { bar_width: 8.0, foreground_color: true, ..ScrollStyle::solid() };
        style.interaction.selectable_labels = true;
        context.set_style_of(theme, Arc::new(style));
    }
    // Prepared discs are drawn with a filter; they are few here, so they are drawn as triangles.
    context.tessellation_options_mut(|options| options.prerasterized_discs = false);
}

fn visuals(theme: Theme) -> Visuals {
    let palette = palette(theme);
    let mut visuals = match theme {
        Theme::Light => Visuals::light(),
        Theme::Dark => Visuals::dark(),
    };
    let widget = |fill: Color32, line: Color32, width: f32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(width, line),
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.5, palette.text),
        expansion: 0.0,
    };
    visuals.panel_fill = palette.surface;
    visuals.window_fill = palette.surface;
    visuals.extreme_bg_color = palette.sunken;
    visuals.text_edit_bg_color = Some(palette.sunken);
    visuals.faint_bg_color = palette.sunken;
    visuals.hyperlink_color = palette.accent;
    visuals.weak_text_color = Some(palette.muted);
    visuals.selection = Selection { bg_fill: palette.selected, stroke: Stroke::new(2.0, palette.accent) };
    visuals.widgets.noninteractive = widget(palette.surface, palette.line, 1.0);
    visuals.widgets.noninteractive.fg_stroke.color = palette.text;
    visuals.widgets.inactive = widget(palette.surface, palette.line_strong, 1.0);
    visuals.widgets.hovered = widget(palette.hover, palette.line_strong, 1.0);
    visuals.widgets.active = widget(palette.hover, palette.accent, 2.0);
    visuals.widgets.open = visuals.widgets.inactive;
    visuals
}
