/** Dates and times, as strict as the server is about them. */

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const HOUR = "([01][0-9]|2[0-3])";
const SIXTIETH = "([0-5][0-9])";
const TIME = new RegExp(
  `^([0-9]{4}-[0-9]{2}-[0-9]{2})T${HOUR}:${SIXTIETH}:${SIXTIETH}(?:\\.([0-9]{1,9}))?(?:Z|([+-])${HOUR}:${SIXTIETH})$`,
);
const MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** Days from 1970-01-01 to a date YYYY-MM-DD; null if there is no such day. */
export function dayNumber(text: string): number | null {
  const found = DATE.exec(text);
  if (!found) return null;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  if (year < 1 || month < 1 || month > 12 || day < 1) return null;
  const longest = month === 2 && isLeap(year) ? 29 : (MONTHS[month - 1] ?? 0);
  if (day > longest) return null;
  // setUTCFullYear, because Date.UTC takes years below 100 for ones of the 20th century.
  return new Date(0).setUTCFullYear(year, month - 1, day) / 86_400_000;
}

/** Microseconds since 1970 of an RFC 3339 time, finer digits cut off; null if it is none. */
export function microseconds(text: string): bigint | null {
  const found = TIME.exec(text);
  const day = found?.[1] === undefined ? null : dayNumber(found[1]);
  if (!found || day === null) return null;
  const [, , hour, minute, second, fraction = "", sign, offHour = "0", offMinute = "0"] = found;
  const offset = (Number(offHour) * 60 + Number(offMinute)) * (sign === "-" ? -60 : 60);
  const seconds = day * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
}
