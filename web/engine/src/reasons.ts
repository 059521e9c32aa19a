/** The sentences that say why, filled in for both languages at once. */

import { reasons } from "hezha:catalogues";
import type { Text } from "./model.ts";

export type Params = Readonly<Record<string, string | number | Text>>;

/** The reason `code` with its values; a Text among them gives each language its own words. */
export function because(code: string, params: Params = {}): Text {
  const words = reasons[code];
  if (!words) throw new Error(`no words for ${code}`);
  return { "zh-CN": filled(words, "zh-CN", params), en: filled(words, "en", params) };
}

function filled(words: Text, language: keyof Text, params: Params): string {
  return words[language].replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`no ${name} for: ${words.en}`);
    return typeof value === "object" ? value[language] : String(value);
  });
}

/** Several texts as one, put together with each language's separator. */
export function joined(texts: readonly Text[], zh = "", en = " "): Text {
  return { "zh-CN": texts.map((text) => text["zh-CN"]).join(zh), en: texts.map((text) => text.en).join(en) };
}
