import type { Unit } from "./rules.mjs";

/** The units that `convert` knows. */
export function useUnits(units: Readonly<Record<string, Unit>>): void;

/** A quantity in another unit of its dimension. Throws where there is none. */
export function convert(value: number, from: string, to: string): number;
