/** What the server wants asked of a device, in the JSON form of WebAuthn. */
export type PasskeyOptions = Record<string, unknown>;

/** Whether this browser can use passkeys on this page: it needs HTTPS, or localhost. */
export function canUsePasskeys(): boolean {
  return window.isSecureContext && "PublicKeyCredential" in window;
}

function bytes(text: unknown): ArrayBuffer {
  const plain = atob(String(text).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer | null): string | undefined {
  if (!buffer) return undefined;
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const descriptors = (list: unknown) => (Array.isArray(list) ? list.filter(isRecord).map((d) => ({ ...d, id: bytes(d["id"]) })) : []);

/** Has a device make a passkey and returns its answer as the server reads it. */
export async function makePasskey(options: PasskeyOptions): Promise<Record<string, unknown>> {
  const user = isRecord(options["user"]) ? options["user"] : {};
  const publicKey = {
    ...options,
    challenge: bytes(options["challenge"]),
    user: { ...user, id: bytes(user["id"]) },
    excludeCredentials: descriptors(options["excludeCredentials"]),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await navigator.credentials.create({ publicKey });
  if (!(made instanceof PublicKeyCredential) || !(made.response instanceof AuthenticatorAttestationResponse)) throw new PasskeyRefused();
  return {
    ...common(made),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    },
  };
}

/** Has a device answer for a passkey it holds. */
export async function askPasskey(options: PasskeyOptions): Promise<Record<string, unknown>> {
  const publicKey = {
    ...options,
    challenge: bytes(options["challenge"]),
    allowCredentials: descriptors(options["allowCredentials"]),
  } as unknown as PublicKeyCredentialRequestOptions;
  const found = await navigator.credentials.get({ publicKey });
  if (!(found instanceof PublicKeyCredential) || !(found.response instanceof AuthenticatorAssertionResponse)) throw new PasskeyRefused();
  return {
    ...common(found),
    response: {
      clientDataJSON: text(found.response.clientDataJSON),
      authenticatorData: text(found.response.authenticatorData),
      signature: text(found.response.signature),
      userHandle: text(found.response.userHandle),
    },
  };
}

function common(credential: PublicKeyCredential) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

/** The device gave no passkey. */
export class PasskeyRefused extends Error {}

/** Whether somebody closed the browser's question, or no device answered it in time. */
export function givenUp(error: unknown): boolean {
  return error instanceof PasskeyRefused || (error instanceof DOMException && ["NotAllowedError", "AbortError"].includes(error.name));
}
