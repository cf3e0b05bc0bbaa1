//! What is drawn where, once.

use egui::epaint::textures::{TextureOptions, TexturesDelta};
use egui::epaint::{ColorImage, ImageDelta};
use egui::{Pos2, pos2};

use super::*;

const SIDE: usize = 64;
const WHITE_UV: Pos2 = Pos2::ZERO;

fn with_texture(size: [usize; 2], pixels: Vec<Color32>) -> Raster {
    let mut delta = TexturesDelta::default();
    let image = ImageDelta::full(ColorImage::new(size, pixels), TextureOptions::NEAREST);
    delta.set.entry(TextureId::default()).or_default().push(image);
    let mut raster = Raster::default();
    raster.update(delta);
    raster
}

fn drawn(raster: &Raster, mesh: Mesh, clip: Rect, background: Color32) -> Vec<u32> {
    let mut pixels = vec![0; SIDE * SIDE];
    let primitives = [ClippedPrimitive { clip_rect: clip, primitive: Primitive::Mesh(mesh) }];
    raster.draw(&primitives, 1.0, background, &mut Canvas { width: SIDE, height: SIDE, pixels: &mut pixels });
    pixels
}

fn mesh(corners: &[(Pos2, Pos2, Color32)], indices: &[u32]) -> Mesh {
    let vertices = corners.iter().map(|&(pos, uv, color)| Vertex { pos, uv, color }).collect();
    Mesh { indices: indices.to_vec(), vertices, texture_id: TextureId::default() }
}

/// Numbers from 0 to 1 that a seed decides.
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 24) as f32
}

/// A square cut into triangles around a point anywhere in it: each adds one to what is below it, so a pixel that
/// two of them draw would be 2 and one that none does 0.
#[test]
fn triangles_that_share_edges_cover_each_pixel_once() {
    let raster = with_texture([1, 1], vec![Color32::WHITE]);
    for seed in 0..300 {
        let mut state = seed;
        let one = Color32::from_rgba_premultiplied(1, 1, 1, 0);
        let (left, top) = (random(&mut state) * 20.0, random(&mut state) * 20.0);
        let (right, bottom) = (30.0 + random(&mut state) * 30.0, 30.0 + random(&mut state) * 30.0);
        let (width, height) = (right - left, bottom - top);
        let middle = pos2(left + random(&mut state) * width, top + random(&mut state) * height);
        let side = |part: f32| match part {
            part if part < 1.0 => pos2(left + part * width, top),
            part if part < 2.0 => pos2(right, top + (part - 1.0) * height),
            part if part < 3.0 => pos2(right - (part - 2.0) * width, bottom),
            part => pos2(left, bottom - (part - 3.0) * height),
        };
        let mut around: Vec<f32> =
            (0..9).map(|_| random(&mut state) * 4.0).chain([0.0, 1.0, 2.0, 3.0]).collect();
        around.sort_by(f32::total_cmp);
        let corners: Vec<_> = [middle].into_iter().chain(around.iter().map(|&part| side(part))).collect();
        let corners: Vec<_> = corners.into_iter().map(|place| (place, WHITE_UV, one)).collect();
        let count = around.len() as u32;
        // Every other one the other way round.
        let indices: Vec<u32> = (0..count)
            .flat_map(|index| {
                let (from, to) = (index + 1, (index + 1) % count + 1);
                if index % 2 == 0 { [0, from, to] } else { [0, to, from] }
            })
            .collect();
        let found = drawn(&raster, mesh(&corners, &indices), Rect::EVERYTHING, Color32::BLACK);
        for (index, pixel) in found.into_iter().enumerate() {
            let (x, y) = ((index % SIDE) as f32 + 0.5, (index / SIDE) as f32 + 0.5);
            let is_inside = x >= left && x < right && y >= top && y < bottom;
            assert_eq!(pixel, u32::from(is_inside) * 0x0001_0101, "seed {seed}, pixel {x} {y}");
        }
    }
}

#[test]
fn colours_run_from_corner_to_corner_and_are_laid_over() {
    let raster = with_texture([1, 1], vec![Color32::WHITE]);
    let (from, to) = (Color32::TRANSPARENT, Color32::from_rgb(200, 100, 0));
    let corners = [
        (pos2(0.0, 0.0), WHITE_UV, from),
        (pos2(64.0, 0.0), WHITE_UV, to),
        (pos2(64.0, 64.0), WHITE_UV, to),
        (pos2(0.0, 64.0), WHITE_UV, from),
    ];
    let found = drawn(&raster, mesh(&corners, &[0, 1, 2, 0, 2, 3]), Rect::EVERYTHING, Color32::WHITE);
    let row = &found[10 * SIDE..11 * SIDE];
    let red = |pixel: u32| pixel >> 16 & 255;
    assert!(red(row[0]) >= 254 && red(row[63]) <= 202, "{row:x?}");
    // Rounding of a colour and of its alpha, apart from each other, may make a step of one.
    assert!(row.windows(2).all(|pair| red(pair[0]) + 1 >= red(pair[1])), "{row:x?}");
    let half = row[31];
    assert!((226..=229).contains(&red(half)) && (126..=129).contains(&(half & 255)), "{half:x}");
}

#[test]
fn a_texture_lands_on_its_pixels_and_nothing_outside_the_clip() {
    let dot = |value: u8| Color32::from_rgba_premultiplied(value, value, value, value);
    let raster = with_texture([2, 2], vec![Color32::WHITE, dot(0), dot(128), dot(255)]);
    let at =
        |x: f32, y: f32| (pos2(10.0 + 2.0 * x, 20.0 + 2.0 * y), pos2(x, y), Color32::from_rgb(255, 0, 0));
    let quad = mesh(&[at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)], &[0, 1, 2, 0, 2, 3]);
    let found = drawn(&raster, quad.clone(), Rect::EVERYTHING, Color32::BLACK);
    let pixel = |found: &[u32], x: usize, y: usize| found[y * SIDE + x];
    assert_eq!(pixel(&found, 10, 20), 0x00ff_0000);
    assert_eq!(pixel(&found, 11, 20), 0);
    assert_eq!(pixel(&found, 10, 21), 0x0080_0000);
    assert_eq!(pixel(&found, 11, 21), 0x00ff_0000);
    assert_eq!(found.iter().filter(|&&pixel| pixel != 0).count(), 3);
    let clip = Rect::from_min_max(pos2(11.0, 0.0), pos2(64.0, 64.0));
    let clipped = drawn(&raster, quad, clip, Color32::BLACK);
    assert_eq!(clipped.iter().filter(|&&pixel| pixel != 0).count(), 1);
}

#[test]
fn nonsense_is_not_drawn() {
    let raster = with_texture([1, 1], vec![Color32::WHITE]);
    let at = |x: f32, y: f32| (pos2(x, y), WHITE_UV, Color32::WHITE);
    for corners in [
        [at(f32::NAN, 0.0), at(60.0, 0.0), at(0.0, 60.0)],
        [at(f32::INFINITY, 0.0), at(60.0, 0.0), at(0.0, 60.0)],
        [at(0.0, 0.0), at(30.0, 30.0), at(60.0, 60.0)],
        [at(5.0, 5.0), at(5.0, 5.0), at(5.0, 5.0)],
    ] {
        let found = drawn(&raster, mesh(&corners, &[0, 1, 2]), Rect::EVERYTHING, Color32::BLACK);
        assert!(found.iter().all(|&pixel| pixel == 0), "{corners:?}");
    }
    let far = [at(-1e9, -1e9), at(1e9, -1e9), at(0.0, 1e9)];
    let found = drawn(&raster, mesh(&far, &[0, 1, 2, 0, 1, 99]), Rect::EVERYTHING, Color32::BLACK);
    assert!(found.iter().all(|&pixel| pixel == 0x00ff_ffff));
}
