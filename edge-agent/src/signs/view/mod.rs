//! The view itself: covered, out of focus, turned away, frozen.
//!
//! What the camera has long seen is kept as a field of edges ([`structure`]), and per cell of the picture the sum of
//! its edges, its level and its steepest slope. A frame is compared with that:
//!
//! - **covered**: cells that had edges have none. All at once, or part of them for a while (a hand, spray, a bag).
//!   What stands *in* the scene has sharp edges of its own and takes longer to count: a lorry drives on.
//! - **defocused**: slopes get flatter while light and dark lie where they lay. Fog takes contrast from both and is
//!   none; a switch to night changes the light, and is learned anew.
//! - **moved**: the edges lie elsewhere, by the same shift for a while, or nothing is like it was any more.
//! - **frozen**: see [`frozen`].
//!
//! What looks wrong is not learned. A view that stays turned is accepted as the new one after [`ACCEPT_S`].
//! Deliberately absent: any word on a scene without edges (a wall, a night without lamps).

mod frozen;
mod structure;

use protocol::UtcMs;

use self::frozen::Freeze;
use self::structure::{Cell, ROWS, Structure};
use super::{Steps, View, score, share};
use crate::frame::Picture;
use crate::shrink::Small;

/// The first seconds only teach.
const LEARN_S: f32 = 6.0;
/// Time constants of what is known: the edges, and the rest.
const EDGES_S: f32 = 60.0;
const LEVELS_S: f32 = 60.0;
const LIGHT_S: f32 = 20.0;
/// What the view has been in the last seconds, to tell a new rest from something that passes.
const RECENT_S: f32 = 1.5;
/// Mean strength of lasting edges in a cell that has structure, and how many such cells are enough to judge.
const TEXTURED: f32 = 2.0;
const MIN_CELLS: usize = 10;
/// A cell has lost its edges below this share of them.
const BLANK: f32 = 0.3;
/// It shows something else below this likeness, and that is in focus from this slope on.
const FOREIGN: f32 = 0.3;
const SHARP: f32 = 40.0;
/// Share of sharp foreign cells from which something stands in the scene.
const THING: f32 = 0.08;
/// From all as known to nothing as known: nothing that drives is so fast. What is slower may drive on before so long.
const AT_ONCE_S: f32 = 0.5;
const PASSES_S: f32 = 14.0;
const ACCEPT_S: f32 = 300.0;
/// A cell is known after it has looked the same for this long, however short the learning: who passes at the
/// beginning is not the view. It is surest after [`SURE_S`].
const UNSURE_S: f32 = 4.0;
const SURE_S: f32 = 120.0;
const KNOWN: f32 = 0.4;
/// A covered part counts after so long, and is told of from such a share of the view on.
const HELD_S: f32 = 12.0;
const PART: f32 = 0.3;
const SAME_LIGHT: f32 = 0.85;
/// Slopes are those of so many rows' mean.
const MEAN_OF: usize = 4;
/// Luma of a picture that is all but black.
const BLACK: f32 = 26.0;

/// What is long known of one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    cell: Cell,
    /// How long it has looked as known, up to [`SURE_S`]; what is new in it wears that down.
    sure_s: f32,
    blank_s: f32,
}

impl Known {
    fn sure(&self) -> bool {
        self.sure_s >= UNSURE_S
    }
}

#[derive(Debug, Default)]
pub(super) struct ViewWatch {
    small: Small,
    steps: Steps,
    learned_s: f32,
    now: Structure,
    cells: Vec<Cell>,
    long: Structure,
    known: Vec<Known>,
    recent: Structure,
    likeness: Vec<f32>,
    strengths: Vec<f32>,
    scratch: (Vec<f32>, Vec<f32>),
    line: Vec<u8>,
    freeze: Freeze,
    covered_s: f32,
    /// How long the whole has been foreign, and how it became so.
    foreign_s: f32,
    fall: Fall,
    shift: Option<(isize, isize)>,
    shifted_s: f32,
    searched_s: f32,
    moved_s: f32,
}

/// How the view came to be another one.
#[derive(Clone, Copy, Debug, Default)]
struct Fall {
    /// Since it was last as known.
    lasted_s: f32,
    /// Whether it was gone at once, when it is.
    at_once: Option<bool>,
}

/// One frame against what is known, in shares of the cells that have structure.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    cells: usize,
    blank: f32,
    foreign: f32,
    /// Foreign, and in focus: things in the scene.
    sharp: f32,
    /// Blank for long.
    held: f32,
    /// Likeness of all edges to those known, and to those of the last seconds.
    likeness: f32,
    rest: f32,
    /// Correlation and relative spread of the cells' levels.
    levels: f32,
    contrast: f32,
    /// Slopes as a share of those known.
    slopes: f32,
    /// Mean luma, and by how much it differs from the known.
    luma: f32,
    lighter: f32,
}

impl ViewWatch {
    pub(super) fn look(&mut self, at: UtcMs, picture: &Picture) -> View {
        let step_s = self.steps.to(at);
        let frozen = self.freeze.look(step_s, picture);
        self.small.fill(&picture.y, picture.width, picture.height, ROWS);
        self.small.smooth();
        self.now.read(&self.small, &mut self.cells);
        slopes(picture, &self.now, &mut self.cells, &mut self.line);
        if self.long.field.len() != self.now.field.len() || self.known.len() != self.cells.len() {
            self.begin();
        }
        self.learned_s += step_s;
        if self.learned_s < LEARN_S {
            self.long.likeness(&self.now, &mut self.likeness, &mut self.strengths);
            self.learn(step_s, EDGES_S, true);
            return View { frozen: score(frozen), ..View::default() };
        }
        let look = self.compare(step_s);
        let covered = self.covered(step_s, &look);
        let defocused = defocused(&look);
        let moved = if covered < 0.5 && defocused < 0.5 { self.moved(step_s, &look) } else { 0.0 };
        self.recent.blend(&self.now, |_| share(step_s, RECENT_S));
        let doubtful = frozen >= 0.5 || covered >= 0.3 || moved >= 0.3 || self.foreign_s > 0.0;
        if !doubtful {
            let light = if look.lighter.abs() > 0.3 { LIGHT_S } else { LEVELS_S };
            self.learn(step_s, light, defocused < 0.3);
        } else if moved >= 0.5 {
            self.moved_s += step_s;
            if self.moved_s > ACCEPT_S {
                self.begin();
            }
        }
        View {
            covered: score(covered),
            defocused: score(defocused),
            moved: score(moved),
            frozen: score(frozen),
        }
    }

    /// Forgets the view, not the noise.
    fn begin(&mut self) {
        self.long = self.now.clone();
        self.recent = self.now.clone();
        self.known.clear();
        self.known.extend(self.cells.iter().map(|cell| Known { cell: *cell, ..Known::default() }));
        (self.learned_s, self.covered_s, self.foreign_s, self.moved_s) = (0.0, 0.0, 0.0, 0.0);
        self.fall = Fall::default();
        (self.shift, self.shifted_s, self.searched_s) = (None, 0.0, 0.0);
    }

    fn learn(&mut self, step_s: f32, light_s: f32, slopes: bool) {
        for (known, likeness) in self.known.iter_mut().zip(&self.likeness) {
            let change_s = if *likeness >= KNOWN { step_s } else { -0.5 * step_s };
            known.sure_s = (known.sure_s + change_s).clamp(0.0, SURE_S);
        }
        let tau_s = |known: &Known, sure_s: f32| if known.sure() { sure_s } else { UNSURE_S };
        self.long.blend(&self.now, |cell| share(step_s, tau_s(&self.known[cell], EDGES_S)));
        for (known, now) in self.known.iter_mut().zip(&self.cells) {
            let share = share(step_s, tau_s(known, light_s));
            let whole = known.blank_s == 0.0 || !known.sure();
            let cell = &mut known.cell;
            cell.level += (now.level - cell.level) * share;
            if whole {
                cell.edges += (now.edges - cell.edges) * share;
            }
            if slopes {
                cell.slope += (now.slope - cell.slope) * share;
            }
        }
    }

    fn compare(&mut self, step_s: f32) -> Look {
        let mut look = Look {
            likeness: self.long.likeness(&self.now, &mut self.likeness, &mut self.strengths),
            rest: self.recent.likeness(&self.now, &mut self.scratch.0, &mut self.scratch.1),
            ..Look::default()
        };
        let (mut slope, mut known_slope) = (0.0, 0.0);
        for (i, known) in self.known.iter_mut().enumerate() {
            let now = self.cells[i];
            if self.strengths[i] < TEXTURED || !known.sure() {
                known.blank_s = 0.0;
                continue;
            }
            look.cells += 1;
            slope += now.slope;
            known_slope += known.cell.slope;
            if now.edges < BLANK * known.cell.edges && self.likeness[i] < KNOWN {
                known.blank_s += step_s;
                look.blank += 1.0;
                look.held += f32::from(known.blank_s > HELD_S);
                continue;
            }
            known.blank_s = (known.blank_s - 2.0 * step_s).max(0.0);
            if self.likeness[i] < FOREIGN {
                look.foreign += 1.0;
                look.sharp += f32::from(now.slope >= SHARP);
            }
        }
        let cells = look.cells.max(1) as f32;
        for part in [&mut look.blank, &mut look.foreign, &mut look.sharp, &mut look.held] {
            *part /= cells;
        }
        look.slopes = if known_slope > 0.0 { slope / known_slope } else { 1.0 };
        self.levels(&mut look);
        look
    }

    /// How light and dark lie, cell by cell.
    fn levels(&self, look: &mut Look) {
        let n = self.cells.len().max(1) as f32;
        let now = || self.cells.iter().map(|c| c.level);
        let known = || self.known.iter().map(|k| k.cell.level);
        let (mean, was) = (now().sum::<f32>() / n, known().sum::<f32>() / n);
        let both: f32 = now().zip(known()).map(|(a, b)| (a - mean) * (b - was)).sum();
        let spread: f32 = now().map(|a| (a - mean) * (a - mean)).sum();
        let known_spread: f32 = known().map(|b| (b - was) * (b - was)).sum();
        look.levels = both / (spread * known_spread).sqrt().max(1.0);
        look.contrast = (spread / known_spread.max(1.0)).sqrt();
        look.luma = mean;
        look.lighter = (mean - was) / was.max(16.0);
    }

    fn covered(&mut self, step_s: f32, look: &Look) -> f32 {
        if look.cells < MIN_CELLS {
            self.covered_s = 0.0;
            return 0.0;
        }
        let whole = look.blank >= 0.75 && look.likeness < 0.3 && look.levels < 0.7;
        self.covered_s =
            if whole { self.covered_s + step_s } else { (self.covered_s - 3.0 * step_s).max(0.0) };
        // A light that goes out leaves blackness too: cameras need some seconds to find their own.
        let needed_s = if look.luma < BLACK {
            20.0
        } else if look.sharp > THING {
            30.0
        } else {
            1.0
        };
        // Where light and dark lie as ever, it is dusk or fog that takes the edges.
        let darker = look.lighter < -0.3 && look.contrast < 0.7;
        let dim = look.levels > SAME_LIGHT || look.luma < BLACK || darker;
        let part = if look.sharp > THING || dim { 0.0 } else { 0.5 * look.held / PART };
        (0.5 * self.covered_s / needed_s).max(part).min(1.0)
    }

    fn moved(&mut self, step_s: f32, look: &Look) -> f32 {
        if look.cells < MIN_CELLS {
            return 0.0;
        }
        if look.likeness > 0.5 {
            (self.shift, self.shifted_s, self.foreign_s, self.moved_s) = (None, 0.0, 0.0, 0.0);
            self.fall = Fall::default();
            return 0.0;
        }
        self.fall.lasted_s += step_s;
        if look.likeness < 0.25 && self.fall.at_once.is_none() {
            self.fall.at_once = Some(self.fall.lasted_s < AT_ONCE_S);
        }
        self.search(step_s);
        let gone = look.foreign + look.blank;
        let strange = look.likeness < 0.2 && gone > 0.75 && look.foreign > 0.25 && look.rest > 0.5;
        if strange {
            self.foreign_s += step_s;
        } else {
            self.foreign_s = (self.foreign_s - 2.0 * step_s).max(0.0);
        }
        let needed_s = if self.fall.at_once == Some(true) { 3.0 } else { PASSES_S };
        (0.5 * self.shifted_s / 1.5).max(0.5 * self.foreign_s / needed_s).min(1.0)
    }

    /// Once a second: does the picture lie better elsewhere, and always in the same place?
    fn search(&mut self, step_s: f32) {
        self.searched_s += step_s;
        if self.searched_s < 0.8 {
            self.shifted_s += if self.shift.is_some() && self.shifted_s > 0.0 { step_s } else { 0.0 };
            return;
        }
        let since_s = std::mem::take(&mut self.searched_s);
        let found = self.now.shift_onto(&self.long).filter(|s| {
            s.dx.abs().max(s.dy.abs()) >= 2 && s.likeness >= 0.5 && s.likeness >= s.unmoved + 0.15
        });
        let found = found.map(|s| (s.dx, s.dy));
        let same = |a: (isize, isize), b: (isize, isize)| a.0.abs_diff(b.0) <= 1 && a.1.abs_diff(b.1) <= 1;
        self.shifted_s = match (found, self.shift) {
            (Some(now), Some(was)) if same(now, was) => self.shifted_s + since_s.min(step_s.max(0.2)),
            _ => 0.0,
        };
        self.shift = found;
    }
}

fn defocused(look: &Look) -> f32 {
    if look.cells < MIN_CELLS || look.levels < 0.8 || look.lighter.abs() > 0.3 {
        return 0.0;
    }
    let slopes = look.slopes / look.contrast.clamp(0.2, 1.0);
    (0.8 - slopes) / 0.4
}

/// The steepest slope of the full picture in each cell, along the means of [`MEAN_OF`] rows: edges run on from row to
/// row, a sensor's noise does not. At night it would be what is steepest, in focus or not.
fn slopes(picture: &Picture, structure: &Structure, cells: &mut [Cell], line: &mut Vec<u8>) {
    let across = structure.columns / structure::CELL;
    if across == 0 || cells.is_empty() {
        return;
    }
    let wide = picture.width / structure.columns * structure::CELL;
    let tall = picture.height / structure.rows * structure::CELL;
    for (block, rows) in picture.y.chunks_exact(MEAN_OF * picture.width).enumerate() {
        let Some(cells) = cells.chunks_exact_mut(across).nth(block * MEAN_OF / tall) else { break };
        line.clear();
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| &rows[row * picture.width..][..picture.width]);
        line.extend(a.iter().zip(b).zip(c.iter().zip(d)).map(|((a, b), (c, d))| {
            ((u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d) + 2) >> 2) as u8
        }));
        for (cell, piece) in cells.iter_mut().zip(line.chunks(wide)) {
            let steepest = piece.iter().zip(piece.iter().skip(2)).map(|(a, b)| a.abs_diff(*b)).max();
            cell.slope = cell.slope.max(f32::from(steepest.unwrap_or_default()));
        }
    }
}
