export { sha256 } from "./bytes.ts";
export { canonical, NotCanonical } from "./canonical.ts";
export { type DeviceKey, enrolment, makeKey, type PublicJwk, thumbprint } from "./keys.ts";
export {
  type DeviceSignature,
  type Evidence,
  formDigest,
  MissingEvidence,
  named,
  type Signed,
  signatureDigest,
  signedText,
  signForm,
} from "./forms.ts";
