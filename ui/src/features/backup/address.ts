import type { Target } from "./queries";

export type Kind = Target["kind"];

/** What a person types of a target's address, by its kind. */
export interface Parts {
  path: string;
  endpoint: string;
  bucket: string;
  folder: string;
  region: string;
  host: string;
  user: string;
}

/** Puts the parts together as the server reads them: the same form that the command takes. */
export function addressOf(kind: Kind, parts: Parts): string {
  const encoded = (path: string) => path.split("/").filter(Boolean).map(encodeURIComponent).join("/");
  switch (kind) {
    case "directory":
      return `file:///${encoded(parts.path.trim())}`;
    case "s3": {
      const query = new URLSearchParams({ endpoint: parts.endpoint.trim() });
      if (parts.region.trim()) query.set("region", parts.region.trim());
      const folder = encoded(parts.folder.trim());
      return `s3://${parts.bucket.trim()}${folder ? `/${folder}` : ""}?${query.toString()}`;
    }
    case "sftp":
      return `sftp://${encodeURIComponent(parts.user.trim())}@${parts.host.trim()}/${encoded(parts.folder.trim())}`;
  }
}

/** The fields that a kind cannot do without. */
export const needed: Record<Kind, readonly (keyof Parts)[]> = {
  directory: ["path"],
  s3: ["endpoint", "bucket"],
  sftp: ["host", "user", "folder"],
};
