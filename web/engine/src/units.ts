/** Units of measurement, converted as rules convert them. */

import { units } from "hezha:catalogues";
import { convert as converted, useUnits } from "../cel/language.mjs";

useUnits(units);

/** A quantity in another unit; null if that is unknown or measures something else. */
export function convert(value: number, given: string, wanted: string): number | null {
  if (given === wanted) return value;
  const [source, target] = [given, wanted].map((name) => (Object.hasOwn(units, name) ? units[name] : undefined));
  if (!source || !target || source.dimension !== target.dimension) return null;
  return converted(value, given, wanted);
}
