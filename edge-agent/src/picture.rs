//! Pictures from files.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use image::{DynamicImage, ImageDecoder as _, ImageReader};

use crate::frame::Picture;

/// A small file can say that it is a picture of any size. No camera's is larger than this; half a gigabyte is worked in.
const MOST_PIXELS: u64 = 100_000_000;

/// A JPEG or PNG file, upright, with even sides.
///
/// # Errors
/// What cannot be read as a picture, is smaller than 2 x 2 pixels or has more than a hundred million, with the file's name.
pub(crate) fn read(file: &Path) -> Result<Picture> {
    let shown = file.display();
    let read = || -> Result<DynamicImage> {
        let mut decoder = ImageReader::open(file)?.with_guessed_format()?.into_decoder()?;
        let (width, height) = decoder.dimensions();
        ensure!(
            u64::from(width) * u64::from(height) <= MOST_PIXELS,
            "it is {width} x {height}, more than {} million pixels",
            MOST_PIXELS / 1_000_000
        );
        let turned = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(turned);
        Ok(image)
    };
    let image =
        read().with_context(|| format!("{shown} cannot be read as a picture; give JPEG or PNG files"))?;
    if image.width() < 2 || image.height() < 2 {
        bail!("{shown} is {} x {} pixels; at least 2 x 2 are needed", image.width(), image.height());
    }
    Ok(Picture::from_rgb(image.width() as usize, image.height() as usize, image.into_rgb8().as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that lies on its side says so, and is looked at upright; odd sides lose their last line.
    #[test]
    fn pictures_are_read_upright_and_even() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain.png");
        image::RgbImage::from_fn(5, 3, |x, _| image::Rgb([if x < 2 { 255 } else { 0 }, 0, 0]))
            .save(&plain)
            .unwrap();
        let picture = read(&plain).unwrap();
        assert_eq!((picture.width, picture.height), (4, 2));
        assert!(picture.v[0] > 200 && picture.v[1] < 140, "red, then black: {:?}", picture.v);

        let mut jpeg = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95);
        image::RgbImage::new(8, 4).write_with_encoder(encoder).unwrap();
        // An Exif block of one entry: orientation, turn right.
        let exif =
            b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = folder.path().join("turned.jpg");
        std::fs::write(&turned, [&jpeg[..2], exif, &jpeg[2..]].concat()).unwrap();
        let picture = read(&turned).unwrap();
        assert_eq!((picture.width, picture.height), (4, 8));
    }

    /// A file of some dozen bytes that says it holds gigapixels is refused before room is made for them.
    #[test]
    fn a_picture_too_large_is_refused_by_its_head() {
        let folder = tempfile::tempdir().unwrap();
        let (small, bomb) = (folder.path().join("small.png"), folder.path().join("bomb.png"));
        image::GrayImage::new(4, 4).save(&small).unwrap();
        let mut bytes = std::fs::read(&small).unwrap();
        // The head of a PNG: its sides at 16, and a checksum of head and name after it at 29.
        bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        std::fs::write(&bomb, bytes).unwrap();
        let error = format!("{:#}", read(&bomb).unwrap_err());
        assert!(
            error.contains("bomb.png") && error.contains("65535 x 65535, more than 100 million"),
            "{error}"
        );
    }

    /// What is no picture is named, with what to give instead.
    #[test]
    fn what_is_no_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.jpg");
        std::fs::write(&text, "no picture").unwrap();
        for file in [text, folder.path().join("absent.png")] {
            let error = format!("{:#}", read(&file).unwrap_err());
            assert!(error.contains(&file.display().to_string()) && error.contains("JPEG or PNG"), "{error}");
        }
    }
}
