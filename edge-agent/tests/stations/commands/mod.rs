//! What the hub asks of a box, with the box's real stations: a configuration is applied, refused or undone while the
//! cameras run; a still is masked; a recording goes when it is asked for. Every command is answered, once.

mod bench;
mod configuration;
mod files;
mod shown;
mod trial;
