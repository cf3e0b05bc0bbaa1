//! The window: events in, pixels out, clipboard and browser.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use egui::{Context, Event, FullOutput, Key, OutputCommand, Pos2, RawInput, Rect, Vec2, ViewportId, vec2};
use egui_winit::winit::application::ApplicationHandler;
use egui_winit::winit::dpi::{LogicalPosition, LogicalSize};
use egui_winit::winit::event::{StartCause, WindowEvent};
use egui_winit::winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, OwnedDisplayHandle};
use egui_winit::winit::window::{self, UserAttentionType, Window, WindowId};

use crate::protocol::{Answer, Request};
use crate::raster::{Canvas, Raster};
use crate::system::{self, Theme};
use crate::view::{SIZE_MIN, View, WIDTH};
use crate::{Options, fonts, look};

/// The part of the screen that a window may take.
const SCREEN_PART: f64 = 0.9;
/// Most of a screen's height that a window takes in points, however large the screen.
const HEIGHT_MAX: f32 = 760.0;

/// Shows the request until a person has chosen.
pub(crate) fn show(request: Request, options: Options) -> Result<Answer, String> {
    let theme = options.theme.is_none().then(system::ask_theme);
    let event_loop = EventLoop::new().map_err(|error| error.to_string())?;
    let mut dialog = Dialog::new(request, options.guard);
    dialog.measure();
    dialog.theme = options.theme.or_else(|| theme.and_then(system::ThemeAsked::wait));
    event_loop.run_app(&mut dialog).map_err(|error| error.to_string())?;
    match (dialog.failure.take(), dialog.view.answer()) {
        (Some(failure), _) => Err(failure),
        (None, Some(answer)) => Ok(answer),
        (None, None) => Err("the window system ended".to_owned()),
    }
}

/// Everything that is there before the window is.
struct Dialog {
    context: Context,
    raster: Raster,
    view: View,
    theme: Option<Theme>,
    guard: Duration,
    window: Option<Open>,
    /// Why the window could not be shown any longer.
    failure: Option<String>,
    /// Kept while the window is there: where no desktop takes it over, the text is gone with it.
    clipboard: Option<arboard::Clipboard>,
}

/// The window, and what belongs to it.
struct Open {
    window: Rc<Window>,
    surface: softbuffer::Surface<OwnedDisplayHandle, Rc<Window>>,
    input: egui_winit::State,
    /// When its first picture was there.
    shown_at: Option<Instant>,
}

impl Dialog {
    fn new(request: Request, guard: Duration) -> Self {
        let context = Context::default();
        look::apply(&context);
        fonts::fall_back(&context);
        Self {
            context,
            raster: Raster::default(),
            view: View::new(request),
            theme: None,
            guard,
            window: None,
            failure: None,
            clipboard: None,
        }
    }

    /// Passes without a window: how high it has to be, and which fonts it needs.
    fn measure(&mut self) {
        let text = self.view.request().all_text();
        for _ in 0..fonts::FONTS_MAX {
            self.pass_unseen();
            match fonts::lacking(&self.context, &text) {
                Some(lacking) if fonts::take_in(&self.context, lacking) => {}
                _ => break,
            }
        }
        self.pass_unseen();
    }

    fn pass_unseen(&mut self) {
        let screen = Rect::from_min_size(Pos2::ZERO, vec2(WIDTH, HEIGHT_MAX));
        self.pass(RawInput { screen_rect: Some(screen), ..RawInput::default() });
    }

    fn open(&mut self, event_loop: &ActiveEventLoop) -> Result<Open, String> {
        let size = vec2(WIDTH, self.view.height_wanted().min(HEIGHT_MAX));
        let title = self.view.request().title();
        let attributes = attributes(event_loop, size, &title).with_theme(self.theme.map(Theme::of_window));
        let window = Rc::new(event_loop.create_window(attributes).map_err(|error| error.to_string())?);
        let theme = self.theme.map_or(egui::ThemePreference::System, |theme| match theme {
            Theme::Light => egui::ThemePreference::Light,
            Theme::Dark => egui::ThemePreference::Dark,
        });
        self.context.set_theme(theme);
        self.context.options_mut(|options| options.fallback_theme = egui::Theme::Light);
        let display =
            softbuffer::Context::new(event_loop.owned_display_handle()).map_err(|error| error.to_string())?;
        let surface =
            softbuffer::Surface::new(&display, window.clone()).map_err(|error| error.to_string())?;
        let scale = window.scale_factor() as f32;
        let input = egui_winit::State::new(
            self.context.clone(),
            ViewportId::ROOT,
            &window,
            Some(scale),
            window.theme(),
            None,
        );
        // Where the desktop does not let it come to the front, it is seen in the list of windows.
        window.request_user_attention(Some(UserAttentionType::Critical));
        Ok(Open { window, surface, input, shown_at: None })
    }

    /// One pass, its picture, and what it asks for. Ends the loop once there is an answer.
    fn redraw(&mut self, event_loop: &ActiveEventLoop) {
        let Some(open) = &mut self.window else { return };
        let mut input = open.input.take_egui_input(&open.window);
        if open.shown_at.is_none_or(|at| at.elapsed() < self.guard) && !self.guard.is_zero() {
            input.events.retain(|event| !chooses(event));
        }
        let mut parts = one_by_one(std::mem::take(&mut input.events));
        let last = parts.pop().unwrap_or_default();
        for events in parts {
            self.pass(RawInput { events, ..input.clone() });
            if self.view.answer().is_some() {
                return event_loop.exit();
            }
        }
        let output = self.pass(RawInput { events: last, ..input });
        let Some(open) = &mut self.window else { return };
        open.input.handle_platform_output(&open.window, output.platform_output);
        if self.view.answer().is_some() {
            return event_loop.exit();
        }
        let pixels_per_point = output.pixels_per_point;
        let primitives = self.context.tessellate(output.shapes, pixels_per_point);
        let background = look::palette(self.context.theme()).surface;
        let drawn =
            open.present(|canvas| self.raster.draw(&primitives, pixels_per_point, background, canvas));
        if let Err(error) = drawn {
            self.failure = Some(error);
            return event_loop.exit();
        }
        if let Some(height) = self.view.height_unfolded() {
            open.grow(event_loop, height);
        }
        let delay = output
            .viewport_output
            .get(&ViewportId::ROOT)
            .map_or(Duration::MAX, |output| output.repaint_delay);
        match Instant::now().checked_add(delay) {
            _ if delay.is_zero() => open.window.request_redraw(),
            Some(at) => event_loop.set_control_flow(ControlFlow::WaitUntil(at)),
            None => event_loop.set_control_flow(ControlFlow::Wait),
        }
    }

    /// One pass over the content, and what it asks for but its picture.
    fn pass(&mut self, input: RawInput) -> FullOutput {
        let mut output = self.context.run_ui(input, |ui| self.view.show(ui));
        self.raster.update(std::mem::take(&mut output.textures_delta));
        for command in std::mem::take(&mut output.platform_output.commands) {
            self.carry_out(command);
        }
        output
    }

    fn carry_out(&mut self, command: OutputCommand) {
        match command {
            OutputCommand::CopyText(text) => {
                if self.clipboard.is_none() {
                    self.clipboard = arboard::Clipboard::new().ok();
                }
                // Without a clipboard there is nothing to tell that would help: the text can be seen.
                drop(self.clipboard.as_mut().map(|clipboard| clipboard.set_text(text)));
            }
            OutputCommand::OpenUrl(open) => {
                if !system::open_in_browser(&open.url) {
                    self.view.link_failed();
                    self.context.request_repaint();
                }
            }
            OutputCommand::CopyImage(_) | OutputCommand::TextSelectionSettled(_) => {}
        }
    }
}

impl Open {
    fn present(&mut self, draw: impl FnOnce(&mut Canvas)) -> Result<(), String> {
        let size = self.window.inner_size();
        // A window that is folded away has no pixels.
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        self.surface.resize(width, height).map_err(|error| error.to_string())?;
        let mut buffer = self.surface.buffer_mut().map_err(|error| error.to_string())?;
        draw(&mut Canvas { width: size.width as usize, height: size.height as usize, pixels: &mut buffer });
        self.window.pre_present_notify();
        buffer.present().map_err(|error| error.to_string())?;
        self.shown_at.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Makes the window as high as what unfolded needs. Never lower: what a person made it stays.
    fn grow(&self, event_loop: &ActiveEventLoop, wanted: f32) {
        let now: LogicalSize<f32> = self.window.inner_size().to_logical(self.window.scale_factor());
        let size = fitting(event_loop, vec2(now.width, wanted.min(HEIGHT_MAX)));
        if size.y <= now.height {
            return;
        }
        // What the system did with it comes as an event.
        let _ = self.window.request_inner_size(LogicalSize::new(size.x, size.y));
    }
}

impl ApplicationHandler for Dialog {
    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        if let (StartCause::ResumeTimeReached { .. }, Some(open)) = (cause, &self.window) {
            open.window.request_redraw();
        }
    }

    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_some() {
            return;
        }
        match self.open(event_loop) {
            Ok(open) => {
                open.window.request_redraw();
                self.window = Some(open);
            }
            Err(error) => {
                self.failure = Some(error);
                event_loop.exit();
            }
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(open) = &mut self.window else { return };
        match event {
            WindowEvent::CloseRequested => {
                self.view.close();
                event_loop.exit();
            }
            WindowEvent::RedrawRequested => self.redraw(event_loop),
            event => {
                if open.input.on_window_event(&open.window, &event).repaint {
                    open.window.request_redraw();
                }
            }
        }
    }
}

impl Theme {
    fn of_window(self) -> window::Theme {
        match self {
            Self::Light => window::Theme::Light,
            Self::Dark => window::Theme::Dark,
        }
    }
}

/// The events in parts of at most one key that is pressed, so that each key means what has the focus after those before
/// it: one pass takes all its keys for the same moment, and on a slow machine several come before one pass.
fn one_by_one(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut parts = vec![Vec::new()];
    for event in events {
        let is_pressed = matches!(event, Event::Key { pressed: true, .. } | Event::PointerButton { .. });
        parts.last_mut().expect("never empty").push(event);
        if is_pressed {
            parts.push(Vec::new());
        }
    }
    parts
}

/// Whether an event can choose something, or be on the way to it.
fn chooses(event: &Event) -> bool {
    match event {
        Event::Key { key, .. } => matches!(key, Key::Enter | Key::Space | Key::Escape),
        Event::PointerButton { .. } => true,
        _ => false,
    }
}

/// A window of that size in points, or of what the screen has room for, in its middle.
fn attributes(event_loop: &ActiveEventLoop, size: Vec2, title: &str) -> window::WindowAttributes {
    let size = fitting(event_loop, size);
    let min = SIZE_MIN.min(size);
    let attributes = Window::default_attributes()
        .with_title(title)
        .with_inner_size(LogicalSize::new(size.x, size.y))
        .with_min_inner_size(LogicalSize::new(min.x, min.y));
    let attributes = named(attributes);
    let Some(monitor) = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next())
    else {
        return attributes;
    };
    let scale = monitor.scale_factor();
    let screen: LogicalSize<f32> = monitor.size().to_logical(scale);
    let corner: LogicalPosition<f32> = monitor.position().to_logical(scale);
    attributes.with_position(LogicalPosition::new(
        corner.x + ((screen.width - size.x) / 2.0).max(0.0),
        corner.y + ((screen.height - size.y) / 3.0).max(0.0),
    ))
}

/// Its kind and name for the window manager.
#[cfg(target_os = "linux")]
fn named(attributes: window::WindowAttributes) -> window::WindowAttributes {
    use egui_winit::winit::platform::x11::{WindowAttributesExtX11, WindowType};
    attributes
        .with_x11_window_type(vec![WindowType::Dialog, WindowType::Normal])
        .with_name("kymo-dialog", "kymo-dialog")
}

#[cfg(not(target_os = "linux"))]
fn named(attributes: window::WindowAttributes) -> window::WindowAttributes {
    attributes
}

/// That size, or what the screen has room for.
fn fitting(event_loop: &ActiveEventLoop, size: Vec2) -> Vec2 {
    let Some(monitor) = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next())
    else {
        return size;
    };
    let screen: LogicalSize<f64> = monitor.size().to_logical(monitor.scale_factor());
    // A screen of no size is one that is not known.
    if screen.width < 1.0 || screen.height < 1.0 {
        return size;
    }
    size.min(vec2((screen.width * SCREEN_PART) as f32, (screen.height * SCREEN_PART) as f32))
}

#[cfg(test)]
mod tests {
    use egui::Modifiers;

    use super::*;

    fn key(key: Key, pressed: bool) -> Event {
        Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE }
    }

    #[test]
    fn keys_come_one_by_one() {
        let events =
            vec![key(Key::Tab, true), key(Key::Tab, false), key(Key::Space, true), key(Key::Space, false)];
        let lengths: Vec<usize> = one_by_one(events).iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 2, 1]);
        assert_eq!(one_by_one(Vec::new()).len(), 1);
    }

    #[test]
    fn what_chooses() {
        for choosing in [Key::Enter, Key::Space, Key::Escape] {
            assert!(chooses(&key(choosing, true)));
        }
        assert!(!chooses(&key(Key::Tab, true)));
        assert!(!chooses(&Event::PointerGone));
    }
}
