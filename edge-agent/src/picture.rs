//! Pictures from files.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use image::{DynamicImage, ImageDecoder as _, ImageReader};

use crate::frame::Picture;

/// A JPEG or PNG file, upright, with even sides.
///
/// # Errors
/// What cannot be read as a picture, or is smaller than 2 x 2 pixels, with the file's name.
pub(crate) fn read(file: &Path) -> Result<Picture> {
    let shown = file.display();
    let read = || -> Result<DynamicImage> {
        let mut decoder = ImageReader::open(file)?.with_guessed_format()?.into_decoder()?;
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
