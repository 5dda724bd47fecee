//! Files that are no backups or not whole ones, places that are taken, disks that are full: refused in words, and nothing
//! half-done stays.

use std::io::{self, Write};

use protocol::Chance;

use super::super::restore::verify;
use super::super::take::write;
use super::super::{cipher, restore};
use super::*;
use crate::db::testing::{bare, small_disk};

/// Tries to restore these bytes; returns why not. Nothing comes into being.
async fn refused(folder: &Path, bytes: &[u8]) -> String {
    let (file, data) = (folder.join("wrong"), folder.join("nowhere"));
    std::fs::write(&file, bytes).unwrap();
    let error = restore(&config(&data), &file, None, None, START, &mut |_| {}).await.unwrap_err();
    assert!(!data.exists(), "{error:#}");
    format!("{error:#}")
}

/// Foreign files are told from backups by their first bytes, and in words.
#[tokio::test]
async fn foreign_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = tar::Builder::new(Vec::new());
    let mut head = tar::Header::new_gnu();
    head.set_size(2);
    head.set_mode(0o644);
    other.append_data(&mut head, "readme.txt", &b"hi"[..]).unwrap();
    let other = other.into_inner().unwrap();
    for (bytes, told) in [
        (&b""[..], "it is empty"),
        (&b"hub"[..], "a tar archive that begins with begin.json was expected"),
        (&[0x50; 4096][..], "a tar archive that begins with begin.json was expected"),
        (&other[..], "it begins with readme.txt"),
    ] {
        let error = refused(folder.path(), bytes).await;
        assert!(error.contains("no backup of a hub") && error.contains(told), "{told}: {error}");
    }
    let error = refused(folder.path(), b"shaodian-backup-sealed-1").await;
    assert!(error.contains("is sealed"), "{error}");
}

/// Cut off anywhere, it is refused; nothing is made of the part that is there.
#[tokio::test]
async fn cut_off() {
    let site = hubs().await.remove(0);
    let backup = back_up(&site, true, None).await;
    let bytes = std::fs::read(&backup.file).unwrap();
    verify(bytes.as_slice()).await.unwrap();
    // The last kilobyte only says that nothing follows.
    let whole = bytes.len() - 1024;
    for cut in (1..24).map(|part| whole * part / 24).chain([511, 512, 1024, whole - 513, whole - 1]) {
        let error = refused(backup.folder.path(), &bytes[..cut]).await;
        assert!(error.contains("was not restored"), "{cut}: {error}");
    }
    let mut more = bytes[..whole].to_vec();
    more.extend_from_slice(&bytes);
    assert!(verify(more.as_slice()).await.is_err(), "two in one");
}

/// Any byte changed: refused, or it was a byte that says nothing.
#[tokio::test]
async fn changed() {
    let site = hubs().await.remove(0);
    let backup = back_up(&site, true, None).await;
    let bytes = std::fs::read(&backup.file).unwrap();
    let chance = Chance::seeded(8);
    let (mut found, mut idle) = (0, 0);
    for _ in 0..400 {
        let at = chance.below(bytes.len() as u64) as usize;
        let mut changed = bytes.clone();
        changed[at] ^= 1 << chance.below(8);
        match verify(changed.as_slice()).await {
            Ok(manifest) => {
                assert_eq!(manifest, backup.manifest, "byte {at} changes what is restored");
                idle += 1;
            }
            Err(_) => found += 1,
        }
    }
    assert!(found > 200, "{found} found, {idle} of no weight");
}

/// What is wrong is told with what was expected: a row that was changed with its table packed anew, a file, a newer schema.
#[tokio::test]
async fn told_with_what_was_expected() {
    let site = hubs().await.remove(0);
    let backup = back_up(&site, true, None).await;
    let bytes = std::fs::read(&backup.file).unwrap();
    let swap = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        changed
    };
    // A picture with other pixels in it.
    let picture = picture(1);
    let error = refused(backup.folder.path(), &swap(&picture[..64], &[7; 64])).await;
    let place = evidence_place(&site, &picture);
    assert!(error.contains(&format!("file {place}")) && error.contains("expected"), "{error}");
    // The manifest says another number of rows.
    let wanted = format!("\"rows\": {}", backup.manifest.tables["cases"].content.rows);
    let error = refused(backup.folder.path(), &swap(wanted.as_bytes(), b"\"rows\": 9")).await;
    assert!(error.contains("its manifest was changed"), "{error}");
    // Tables of a hub that does not exist yet.
    let future =
        "insert into schema_migrations (name, checksum, applied_at_ms) values ('9999_future', 'x', 1)";
    site.app.db.execute(future, args![]).await.unwrap();
    let newer = back_up(&site, false, None).await;
    let error = refused(newer.folder.path(), &std::fs::read(&newer.file).unwrap()).await;
    assert!(error.contains("9999_future") && error.contains("newer one"), "{error}");
}

/// A folder or a database in which something lies is left alone.
#[tokio::test]
async fn taken_places() {
    let site = hubs().await.remove(0);
    let backup = back_up(&site, false, None).await;
    let data = backup.folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("hub.db"), "somebody's").unwrap();
    let bring = async |config: &Config, url: Option<&str>| {
        let restored = restore(config, &backup.file, url, None, START, &mut |_| {}).await;
        restored.map_err(|error| format!("{error:#}"))
    };
    let error = bring(&config(&data), None).await.unwrap_err();
    assert!(error.contains("is not empty (there: hub.db)"), "{error}");
    assert_eq!(std::fs::read_to_string(data.join("hub.db")).unwrap(), "somebody's");
    std::fs::remove_file(data.join("hub.db")).unwrap();
    let mut other = config(&data);
    other.hub.tenant = "elsewhere".parse().unwrap();
    assert!(bring(&other, None).await.unwrap_err().contains("tenant main"));
    for target in bare().await {
        let Some(url) = &target.url else { continue };
        target.db.execute("create table mine (id text primary key)", args![]).await.unwrap();
        let error = bring(&config(&data), Some(url)).await.unwrap_err();
        assert!(error.contains("not empty: 1 tables are there (mine…)"), "{error}");
        assert_eq!(files(&data).len(), 0);
    }
    // A hub at work in the folder.
    let hold = super::super::folder::Hold::running(&data).unwrap();
    assert!(bring(&config(&data), None).await.unwrap_err().contains("stop it first"));
    drop(hold);
    bring(&config(&data), None).await.unwrap();
    assert!(bring(&config(&data), None).await.unwrap_err().contains("is not empty"));
    // Nor does a backup replace anything.
    let data_dir = site.app.data_dir();
    let source = Source { db: &site.app.db, data_dir: &data_dir, tenant: site.app.tenant(), evidence: true };
    let again = take(&source, &backup.file, None, (&site.app.chance, START), &mut |_| {}).await.unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
}

/// A disk that takes so many bytes and no more.
struct Full {
    left: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The disk is full after any number of bytes: the backup fails and says so, sealed or not.
#[tokio::test]
async fn full_after_any_number_of_bytes() {
    let site = hubs().await.remove(0);
    let whole = std::fs::metadata(back_up(&site, true, None).await.file).unwrap().len() as usize;
    let data_dir = site.app.data_dir();
    let source = Source { db: &site.app.db, data_dir: &data_dir, tenant: site.app.tenant(), evidence: true };
    for left in (0..20).map(|part| whole * part / 20).chain([100, 513, whole - 1025, whole - 1]) {
        let Err(error) = write(Full { left }, &source, START, &mut |_| {}).await else {
            panic!("{left} of {whole} bytes were enough");
        };
        assert!(format!("{error:#}").contains("no storage space"), "{left}: {error:#}");
    }
    for left in [10, whole / 3, whole] {
        let sealed = cipher::Sealing::new(Full { left }, "correct horse battery", &site.app.chance);
        let Ok(sealing) = sealed else { continue };
        let written = match write(sealing, &source, START, &mut |_| {}).await {
            Ok((sealing, _)) => sealing.end().map(drop).map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        assert!(written.is_err(), "{left} of {whole} bytes were enough");
    }
}

/// On a real disk that fills up, neither a backup nor a restore leaves anything behind.
#[tokio::test]
async fn a_full_disk_is_left_as_it_was() {
    let site = hubs().await.remove(0);
    let large: Vec<u8> = (0..400).flat_map(|n: u32| picture((n % 250) as u8)).collect();
    upload(&site, &large, large.len()).await;
    let Some(disk) = small_disk(12).await else { return };
    let data_dir = site.app.data_dir();
    let source = Source { db: &site.app.db, data_dir: &data_dir, tenant: site.app.tenant(), evidence: true };
    let file = disk.folder.join("full.backup");
    let error = take(&source, &file, None, (&site.app.chance, START), &mut |_| {}).await.unwrap_err();
    assert!(format!("{error:#}").contains("no backup was made"), "{error:#}");
    let left: Vec<_> =
        std::fs::read_dir(&disk.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("backup")), "{left:?}");
    let backup = back_up(&site, true, None).await;
    let data = disk.folder.join("data");
    let error = restore(&config(&data), &backup.file, None, None, START, &mut |_| {}).await.unwrap_err();
    assert!(format!("{error:#}").contains("was not restored"), "{error:#}");
    let left: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["hub.lock"]);
}
