export type { Problem } from "./answers.ts";
export { type ItemJudgement, judge, type Judgement, type Options } from "./evaluate.ts";
export { type OrganisationLimit, withLimits } from "./limits.ts";
export type * from "./model.ts";
