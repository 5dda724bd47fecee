-- What a box answered beyond yes and no: JSON, such as the incidents of a trial of rules.
alter table commands add column result text;
