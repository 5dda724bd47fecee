//! Pages and API as a browser and a script meet them, on both databases, through the whole router.

mod admin;
mod begun;
mod calls;
mod cameras;
mod deeds;
mod devices;
mod dispatching;
mod doors;
mod evaluation;
mod feed;
mod field;
mod handover;
mod knowledge;
mod lists;
mod map;
mod me;
mod moves;
mod operator;
mod queue;
mod roles;
mod seat;
pub(crate) mod site;
mod wall;
mod workflow;
