//! The main story of every role, from what it sees first to what others see of it afterwards, on both databases. A real hub, a
//! real box where one is asked, and people who go by what stands on the page.

/// The story of a file, as a test on each database.
macro_rules! on_both_databases {
    ($story:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn on_sqlite() {
            let _calm = crate::NETWORK.read().await;
            $story(world::DatabaseKind::Sqlite).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn on_postgresql() {
            let _calm = crate::NETWORK.read().await;
            $story(world::DatabaseKind::Postgres).await;
        }
    };
}

mod administrator;
mod citizen;
mod department;
mod dispatcher;
mod evaluator;
mod handover;
mod installer;
mod operator;

use world::{DatabaseKind, World};

use crate::county::County;

/// A county with these people.
async fn county(database: DatabaseKind, roles: &[&str]) -> County {
    County::settle_with(World::builder().database(database).start().await.unwrap(), roles).await
}
