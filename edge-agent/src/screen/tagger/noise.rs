//! What a recogniser does to an utterance: homophones in place of the right character, words lost, words put in.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::screen::reading::sound;

/// Characters by how they sound.
#[derive(Debug)]
pub struct Slips {
    alike: HashMap<u16, Vec<char>>,
    any: Vec<char>,
}

impl Slips {
    /// From the characters that people use: those of `texts`.
    pub fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut any: Vec<char> = texts.flat_map(str::chars).filter(|c| sound(*c) != 0).collect();
        any.sort_unstable();
        any.dedup();
        let mut alike: HashMap<u16, Vec<char>> = HashMap::new();
        for c in &any {
            alike.entry(sound(*c)).or_default().push(*c);
        }
        Self { alike, any }
    }

    /// `text` with about this share of its characters wrong: seven of ten slips are homophones, one is another
    /// character, one a lost and one an added one.
    pub fn slip(&self, text: &str, rate: f64, chance: &mut StdRng) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if sound(c) == 0 || !chance.random_bool(rate) {
                out.push(c);
                continue;
            }
            match chance.random_range(0..10) {
                0..=6 => {
                    let alike = self.alike.get(&sound(c)).map_or(&[][..], Vec::as_slice);
                    out.push(alike.choose(chance).copied().unwrap_or(c));
                }
                7 => out.push(self.any[chance.random_range(0..self.any.len())]),
                8 => {}
                _ => {
                    out.push(c);
                    out.push(self.any[chance.random_range(0..self.any.len())]);
                }
            }
        }
        out
    }
}
