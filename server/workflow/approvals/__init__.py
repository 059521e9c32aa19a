"""Approval by rule 规则审批: what is clear-cut passes with its rule named, the rest goes to a person.

`rules.yaml` are the rules, `table` reads them, `rules` evaluates them; `standing` says what an approval still
allows, `substitutes` who may decide in somebody's place.
"""
