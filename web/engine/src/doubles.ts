/** Doubles, written as the server writes them. */

/** A JSON number as both sides read it: there is no -0. */
export function asDouble(value: number): number {
  return value + 0;
}

/** Python's `repr` of a float: the shortest digits that say which double it is. */
export function repr(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "0", power = "0"] = Math.abs(value).toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const digits = mantissa.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** A number as people write it: 4, not 4.0; every digit that was given; with its unit. */
export function written(value: number, unit?: string | null): string {
  const digits = Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : repr(value);
  return unit ? `${digits} ${unit}` : digits;
}
