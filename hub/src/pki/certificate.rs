//! What certificates say, and how to read it.

use anyhow::Context;
use jiff::ToSpan;
use protocol::{Chance, UtcMs};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyUsagePurpose, SerialNumber};

pub(super) fn base(common_name: &str, years: i64, chance: &Chance, now: UtcMs) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let mut serial = chance.bytes::<16>();
    // Positive and not empty, as X.509 wants it.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let [from, until] = validity(years, now).map(|(y, m, d)| rcgen::date_time_ymd(y, m, d));
    (params.not_before, params.not_after) = (from, until);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// Year, month and day from which and until which something holds: from a day early, since two clocks need not
/// agree, to so many years from now.
pub(super) fn validity(years: i64, now: UtcMs) -> [(i32, u8, u8); 2] {
    let day = jiff::Timestamp::from_millisecond(now.0)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date();
    [day.saturating_sub(1.day()), day.saturating_add(years.years())]
        .map(|date| (i32::from(date.year()), date.month() as u8, date.day() as u8))
}

pub(super) fn first_der(pem: &str) -> anyhow::Result<Vec<u8>> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).context("not PEM")?;
    Ok(block.contents)
}

pub(super) fn expires_at(pem: &str) -> Option<UtcMs> {
    let der = first_der(pem).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Some(UtcMs(certificate.validity().not_after.timestamp() * 1000))
}
