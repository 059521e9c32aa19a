/** Limits that an organisation has set over a checklist's own, applied as the server applies them. */

import { compare } from "./json.ts";
import type { Definition, Item, Limit, Severity, Text } from "./model.ts";
import { convert } from "./units.ts";

/** The `limit` of a document `checklist-limit:<id>`. Days are YYYY-MM-DD, both ends included. */
export interface OrganisationLimit {
  readonly id: string;
  /** null: every organisation. */
  readonly organisation: string | null;
  readonly item: string;
  readonly since: string;
  readonly basis: Text;
  readonly source: string;
  readonly checklist?: string | null;
  readonly until?: string | null;
  readonly min?: number | null;
  readonly max?: number | null;
  readonly unit?: string | null;
  readonly verdict?: "fail" | "warning";
  readonly severity?: Severity | null;
  readonly when?: string | null;
}

/**
 * The definition as it holds for an organisation's visit on a day: what is in force stands beside each item's own
 * limits. Without any, the definition itself.
 */
export function withLimits(
  definition: Definition,
  limits: readonly OrganisationLimit[],
  organisation: string,
  day: string,
): Definition {
  const held = limits
    .filter((one) => (one.organisation === null || one.organisation === organisation) && holdsOn(one, day))
    .filter((one) => one.checklist == null || one.checklist === definition.id)
    .sort((left, right) => compare(left.since, right.since) || compare(left.id, right.id));
  let changed = false;
  const of = (item: Item): Item => {
    const added = held.filter((one) => one.item === item.code).flatMap((one) => limitOf(one, item));
    const items = item.items?.map(of);
    if (added.length > 0) changed = true;
    return {
      ...item,
      ...(added.length > 0 ? { limits: [...(item.limits ?? []), ...added] } : {}),
      ...(items ? { items } : {}),
    };
  };
  const sections = definition.sections.map((section) => ({ ...section, items: section.items.map(of) }));
  return changed ? { ...definition, sections } : definition;
}

function holdsOn(limit: OrganisationLimit, day: string): boolean {
  return limit.since <= day && (limit.until == null || day <= limit.until);
}

/** What a limit adds to an item: nothing where it measures nothing, or in a unit that does not convert. */
function limitOf(limit: OrganisationLimit, item: Item): Limit[] {
  if (item.type !== "number" && item.type !== "location") return [];
  const unit = item.type === "number" ? (item.unit ?? "") : "m";
  const given = [limit.min ?? null, limit.max ?? null];
  const [min, max] = given.map((bound) => (bound === null ? null : convert(bound, limit.unit ?? unit, unit)));
  if ((limit.min != null && min == null) || (limit.max != null && max == null)) return [];
  return [
    {
      ...(min != null ? { min } : {}),
      ...(max != null ? { max } : {}),
      ...(limit.verdict === "warning" ? { verdict: limit.verdict } : {}),
      ...(limit.severity != null ? { severity: limit.severity } : {}),
      ...(limit.when != null ? { when: limit.when } : {}),
      basis: limit.basis,
      since: limit.since,
    },
  ];
}
