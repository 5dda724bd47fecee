//! What several detectors say together.

use super::super::joint::join;
use super::*;
use crate::detector::lane::Part;

/// What is said together, in every combination that matters.
#[test]
fn answers_are_joined() {
    const PEOPLE: &[Label] = &[Label::Person];
    const VEHICLES: &[Label] = &[Label::Car];
    let part =
        |name: &str, labels: &[Label]| Some(Part::Found { by: name.into(), said: vec![thing(labels[0])] });
    let told = |posts: &[(Option<&[Label]>, Option<Part>)]| {
        let role = |labels: Option<&[Label]>, part: &Option<Part>| Role {
            works: labels.is_some() && *part != Some(Part::Missing),
            labels: labels.map(<[Label]>::to_vec),
        };
        let roles: Vec<Role> = posts.iter().map(|(labels, part)| role(*labels, part)).collect();
        join(&roles, &posts.iter().map(|(_, part)| part.clone()).collect::<Vec<_>>())
    };
    let (person, fire) = (part("a", PEOPLE), part("f", BURNS));
    let all = [PEOPLE, BURNS].concat();
    let anything: Vec<Label> = crate::detector::anything().collect();
    let by_a =
        |missing: &[Label], names: &[Label]| Answer::Found(without(missing, looked(&[("a", PEOPLE)], names)));
    let by_fire = |missing: &[Label]| Answer::Partly(without(missing, looked(&[("f", BURNS)], BURNS)));
    let (people, burns) = (Some(PEOPLE), Some(BURNS));
    assert_eq!(told(&[(people, person.clone()), (burns, Some(Part::Busy))]), by_a(&[], &all));
    assert_eq!(told(&[(people, person.clone()), (burns, None)]), by_a(&[], &all));
    assert_eq!(told(&[(people, person.clone()), (burns, Some(Part::Missing))]), by_a(BURNS, PEOPLE));
    assert_eq!(told(&[(people, person.clone()), (None, Some(Part::Missing))]), by_a(&anything, PEOPLE));
    assert_eq!(told(&[(people, Some(Part::Busy)), (burns, fire.clone())]), Answer::Busy);
    assert_eq!(told(&[(people, Some(Part::Missing)), (burns, fire.clone())]), by_fire(PEOPLE));
    assert_eq!(told(&[(None, Some(Part::Missing)), (burns, fire.clone())]), by_fire(&anything));
    assert_eq!(told(&[(burns, fire)]), by_fire(&[]));
    let vehicles = Answer::Partly(without(&anything, looked(&[("v", VEHICLES)], VEHICLES)));
    assert_eq!(told(&[(None, Some(Part::Missing)), (Some(VEHICLES), part("v", VEHICLES))]), vehicles);
    let not_due = Answer::NotDue { names: BURNS.to_vec() };
    assert_eq!(told(&[(people, Some(Part::Missing)), (burns, Some(Part::Busy))]), not_due);
    assert_eq!(told(&[(burns, None)]), not_due);
    assert_eq!(told(&[(people, Some(Part::Missing))]), Answer::Missing);
    assert_eq!(told(&[]), Answer::Missing);
}
