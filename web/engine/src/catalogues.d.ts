// The YAML catalogues of checklists/, which `npm run build:engine` puts in as JSON.
declare module "hezha:catalogues" {
  export const reasons: Readonly<Record<string, import("./model.ts").Text>>;
  export const units: Readonly<Record<string, import("../cel/rules.mjs").Unit>>;
  export const facts: readonly import("./model.ts").FactDefinition[];
}
