//! Triangles to pixels, by the processor: a dialog must come up on a machine without a graphics card, too.
//!
//! What the toolkit gives are triangles with a colour at each corner and a place in a texture, which holds glyphs; both
//! are multiplied and laid over what is there (alpha is premultiplied, as the toolkit's own shaders take it). Glyphs lie
//! on whole pixels, so a texture is read without a filter.
//!
//! A pixel belongs to a triangle if its middle is inside; each edge's crossing of a row is computed alike for the
//! two triangles that share it, so no pixel is drawn twice and none is left out.

use std::collections::HashMap;

use egui::epaint::{ImageData, Primitive, Vertex};
use egui::{ClippedPrimitive, Color32, Mesh, Rect, TextureId, TexturesDelta};

/// A picture, four channels a pixel, rows from above.
#[derive(Clone, Debug, Default)]
struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
}

/// The textures, and what draws with them.
#[derive(Debug, Default)]
pub(crate) struct Raster {
    textures: HashMap<TextureId, Texture>,
}

/// Where to draw: `0x00RRGGBB` a pixel, rows from above.
pub(crate) struct Canvas<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: &'a mut [u32],
}

/// Pixels from (inclusive) and to (exclusive).
#[derive(Clone, Copy)]
struct Clip {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// A corner in pixels: place, place in the texture, colour.
type Corner = [f32; 8];

impl Raster {
    /// Takes over what changed of the textures.
    pub(crate) fn update(&mut self, mut delta: TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                let [width, height] = image.size;
                let part = Texture { width, height, pixels: image.pixels.clone() };
                match change.pos {
                    None => drop(self.textures.insert(id, part)),
                    Some([x, y]) => self.textures.entry(id).or_default().patch(x, y, &part),
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// Draws it all, over `background`.
    pub(crate) fn draw(
        &self,
        primitives: &[ClippedPrimitive],
        pixels_per_point: f32,
        background: Color32,
        canvas: &mut Canvas,
    ) {
        canvas.pixels.fill(packed(background));
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            if let Primitive::Mesh(mesh) = primitive {
                self.mesh(mesh, pixels_per_point, canvas.clip(*clip_rect, pixels_per_point), canvas);
            }
        }
    }

    fn mesh(&self, mesh: &Mesh, pixels_per_point: f32, clip: Clip, canvas: &mut Canvas) {
        let Some(texture) = self.textures.get(&mesh.texture_id) else { return };
        let corner = |index: u32| {
            mesh.vertices.get(index as usize).map(|vertex| texture.corner(vertex, pixels_per_point))
        };
        for triangle in mesh.indices.chunks_exact(3) {
            if let (Some(a), Some(b), Some(c)) =
                (corner(triangle[0]), corner(triangle[1]), corner(triangle[2]))
            {
                fill([a, b, c], texture, clip, canvas);
            }
        }
    }
}

impl Texture {
    fn patch(&mut self, x: usize, y: usize, part: &Self) {
        if part.width == 0 || x + part.width > self.width || y + part.height > self.height {
            return;
        }
        for (row, line) in part.pixels.chunks_exact(part.width).enumerate() {
            let start = (y + row) * self.width + x;
            self.pixels[start..start + part.width].copy_from_slice(line);
        }
    }

    fn corner(&self, vertex: &Vertex, pixels_per_point: f32) -> Corner {
        let place = vertex.pos * pixels_per_point;
        let [red, green, blue, alpha] = vertex.color.to_array().map(f32::from);
        let (across, down) = (vertex.uv.x * self.width as f32, vertex.uv.y * self.height as f32);
        [place.x, place.y, across, down, red, green, blue, alpha]
    }

    fn at(&self, u: f32, v: f32) -> Color32 {
        // A float that is negative or not a number becomes 0.
        let (x, y) =
            ((u as usize).min(self.width.saturating_sub(1)), (v as usize).min(self.height.saturating_sub(1)));
        self.pixels.get(y * self.width + x).copied().unwrap_or(Color32::WHITE)
    }
}

impl Canvas<'_> {
    fn clip(&self, rect: Rect, pixels_per_point: f32) -> Clip {
        let within = |points: f32, limit: usize| (points * pixels_per_point).round().clamp(0.0, limit as f32);
        Clip {
            left: within(rect.min.x, self.width),
            top: within(rect.min.y, self.height),
            right: within(rect.max.x, self.width),
            bottom: within(rect.max.y, self.height),
        }
    }
}

/// Hot: once a triangle, its inner loop once a pixel. A pass of a whole window has to stay a few milliseconds
/// (`docs/dialogs.md` has the figure), so nothing is allocated here.
fn fill(corners: [Corner; 3], texture: &Texture, clip: Clip, canvas: &mut Canvas) {
    let [a, b, c] = corners;
    let area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    if !area.is_normal() || corners.iter().flatten().any(|number| !number.is_finite()) {
        return;
    }
    // How each of the six values behind the place changes from pixel to pixel, to the right and down.
    let mut right = [0.0; 6];
    let mut down = [0.0; 6];
    for index in 0..6 {
        let (from_b, from_c) = (b[index + 2] - a[index + 2], c[index + 2] - a[index + 2]);
        right[index] = (from_b * (c[1] - a[1]) - from_c * (b[1] - a[1])) / area;
        down[index] = (from_c * (b[0] - a[0]) - from_b * (c[0] - a[0])) / area;
    }
    let is_one_colour = [b, c].iter().all(|other| other[2..] == a[2..]);
    let top = a[1].min(b[1]).min(c[1]);
    let bottom = a[1].max(b[1]).max(c[1]);
    let (from, to) = (first_middle(top).max(clip.top), first_middle(bottom).min(clip.bottom));
    for y in from as usize..to as usize {
        let middle = y as f32 + 0.5;
        let Some((start, end)) = span(&corners, middle) else { continue };
        let (start, end) = (first_middle(start).max(clip.left), first_middle(end).min(clip.right));
        if start >= end {
            continue;
        }
        let row = &mut canvas.pixels[y * canvas.width + start as usize..y * canvas.width + end as usize];
        if is_one_colour {
            let source = multiplied(texture.at(a[2], a[3]), [a[4], a[5], a[6], a[7]]);
            for pixel in row {
                *pixel = over(source, *pixel);
            }
            continue;
        }
        let mut values = [0.0; 6];
        for index in 0..6 {
            values[index] =
                a[index + 2] + right[index] * (start + 0.5 - a[0]) + down[index] * (middle - a[1]);
        }
        for pixel in row {
            let [across, down, colour @ ..] = values;
            *pixel = over(multiplied(texture.at(across, down), colour), *pixel);
            for index in 0..6 {
                values[index] += right[index];
            }
        }
    }
}

/// The first pixel whose middle is at or behind the place.
fn first_middle(place: f32) -> f32 {
    (place - 0.5).ceil().max(0.0)
}

/// Where the row is entered and left, by the two edges that cross it.
fn span(corners: &[Corner; 3], middle: f32) -> Option<(f32, f32)> {
    let mut crossings: Option<(f32, f32)> = None;
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let (one, other) = (&corners[from], &corners[to]);
        // From above, whichever way round the triangle goes.
        let (upper, lower) = if one[1] <= other[1] { (one, other) } else { (other, one) };
        if middle < upper[1] || middle >= lower[1] {
            continue;
        }
        let x = upper[0] + (lower[0] - upper[0]) * ((middle - upper[1]) / (lower[1] - upper[1]));
        crossings = Some(crossings.map_or((x, x), |(left, right)| (left.min(x), right.max(x))));
    }
    crossings
}

fn multiplied(texel: Color32, colour: [f32; 4]) -> Color32 {
    let [r, g, b, a] = texel.to_array();
    let [cr, cg, cb, ca] = colour.map(|channel| channel.clamp(0.0, 255.0) + 0.5);
    if texel == Color32::WHITE {
        return Color32::from_rgba_premultiplied(cr as u8, cg as u8, cb as u8, ca as u8);
    }
    let product = |one: u8, other: f32| divided(u32::from(one) * (other as u32)) as u8;
    Color32::from_rgba_premultiplied(product(r, cr), product(g, cg), product(b, cb), product(a, ca))
}

/// By 255, rounded, of products of two bytes.
fn divided(product: u32) -> u32 {
    let product = product + 128;
    (product + (product >> 8)) >> 8
}

fn packed(colour: Color32) -> u32 {
    u32::from_be_bytes([0, colour.r(), colour.g(), colour.b()])
}

fn over(source: Color32, below: u32) -> u32 {
    let through = 255 - u32::from(source.a());
    if through == 0 {
        return packed(source);
    }
    let [_, r, g, b] = below.to_be_bytes();
    let channel = |above: u8, below: u8| (u32::from(above) + divided(u32::from(below) * through)).min(255);
    channel(source.r(), r) << 16 | channel(source.g(), g) << 8 | channel(source.b(), b)
}

#[cfg(test)]
mod tests;
