//! Where a scene plays: six places with their camera, built anew in colours and details for every seed. The ground's
//! plan is the same for every seed, so that scripts can name spots of it, in metres right of and away from the camera.

mod indoors;
mod outdoors;
mod parts;

use protocol::Chance;
use serde::{Deserialize, Serialize};

use super::paint::{Canvas, Rgb};
use super::prop::{self, Tree};
use super::vehicle::Parked;
use super::view::{Point, View};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The street before a community's gate: wall and gate 16 m away.
    Gate,
    /// A fire lane between two houses, 5 m wide, 45 m deep.
    Lane,
    /// A paved square with trees and benches.
    Square,
    /// Marked bays 15 m away, an aisle before them.
    CarPark,
    /// The inside of a lift, its door opposite the camera.
    Lift,
    /// A corridor with doors.
    Corridor,
}

impl Place {
    pub const ALL: [Self; 6] =
        [Self::Gate, Self::Lane, Self::Square, Self::CarPark, Self::Lift, Self::Corridor];

    pub(super) fn view(self) -> View {
        let view = |horizon, focal, height_m| View { horizon, centre: 640.0, focal, height_m };
        match self {
            Self::Gate => view(180.0, 900.0, 3.2),
            Self::Lane => view(150.0, 820.0, 3.5),
            Self::Square => view(150.0, 860.0, 4.0),
            Self::CarPark => view(140.0, 820.0, 4.2),
            Self::Lift => view(40.0, 420.0, 2.35),
            Self::Corridor => view(190.0, 640.0, 2.5),
        }
    }

    pub fn indoors(self) -> bool {
        matches!(self, Self::Lift | Self::Corridor)
    }
}

/// A lamp, and how far its light reaches on the ground.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lamp {
    pub(super) at: Point,
    pub(super) reach_m: f32,
}

/// A place as one seed has built it.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) place: Place,
    pub(super) view: View,
    pub(super) lamps: Vec<Lamp>,
    pub(super) trees: Vec<Tree>,
    pub(super) benches: Vec<[f32; 2]>,
    /// Cars that never move.
    pub(super) parked: Vec<Parked>,
    seed: u64,
}

/// How far the lift's door is away.
pub(super) const LIFT_DOOR_M: f32 = 2.75;

impl Set {
    pub(super) fn built(place: Place, seed: u64, view: View) -> Self {
        let chance = Chance::seeded(seed ^ 0x0000_91ac_e5ee);
        let mut set = Self {
            place,
            view,
            lamps: Vec::new(),
            trees: Vec::new(),
            benches: Vec::new(),
            parked: Vec::new(),
            seed,
        };
        match place {
            Place::Gate => outdoors::furnish_gate(&mut set, &chance),
            Place::Lane => outdoors::furnish_lane(&mut set, &chance),
            Place::Square => outdoors::furnish_square(&mut set, &chance),
            Place::CarPark => outdoors::furnish_car_park(&mut set, &chance),
            Place::Lift => {}
            Place::Corridor => indoors::furnish_corridor(&mut set),
        }
        set
    }

    /// What never moves, without trees.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, sun: Option<[f32; 2]>) {
        let chance = Chance::seeded(self.seed ^ 0x00d7_a37b);
        match self.place {
            Place::Gate => outdoors::gate(canvas, &self.view, &chance),
            Place::Lane => outdoors::lane(canvas, &self.view, &chance),
            Place::Square => outdoors::square(canvas, &self.view, &chance),
            Place::CarPark => outdoors::car_park(canvas, &self.view, &chance),
            Place::Lift => indoors::lift(canvas, &self.view, &chance),
            Place::Corridor => indoors::corridor(canvas, &self.view, &chance),
        }
        for bench in &self.benches {
            prop::bench(canvas, self.view.ground(*bench), self.view.scale(bench[1]));
        }
        let mut parked: Vec<&Parked> = self.parked.iter().collect();
        parked.sort_by(|a, b| b.at[1].total_cmp(&a.at[1]));
        for car in parked {
            let alpha = if sun.is_some() { 0.42 } else { 0.30 };
            canvas.polygon(&car.shadow(&self.view, sun), Rgb(18, 18, 24), alpha);
            car.draw(canvas, &self.view);
        }
        for lamp in &self.lamps {
            if !self.place.indoors() {
                parts::lamp_post(canvas, &self.view, lamp.at);
            }
        }
    }

    /// The lift's front wall with its door, `open` 0..1: what stands beyond is hidden by it.
    pub(super) fn draw_door(&self, canvas: &mut Canvas<'_>, open: f32) {
        if self.place == Place::Lift {
            indoors::lift_door(canvas, &self.view, open);
        }
    }
}
