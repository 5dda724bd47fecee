//! Pages and API as a browser and a script meet them, on both databases, through the whole router.

mod calls;
mod devices;
mod doors;
mod feed;
mod knowledge;
mod lists;
mod me;
mod moves;
mod roles;
pub(crate) mod site;
mod wall;
mod workflow;
