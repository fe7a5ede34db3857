import { refusalFrom, writeHeaders } from "@/api/client";
import { ApiProblem } from "@/api/problem";

/** Sends a model file as the body of one request; tells how much was sent, and stops with the signal. */
export function sendModelFile(file: File, told: (sent: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", new URL(`/api/models/files/${encodeURIComponent(file.name)}`, location.origin));
    for (const [name, value] of Object.entries(writeHeaders())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => told(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(refusalFrom(request.status, request.responseText, request.getResponseHeader("X-Request-Id") ?? ""));
    };
    request.onerror = () => reject(new ApiProblem({ status: 0, code: "offline", detail: "" }));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new DOMException("stopped", "AbortError"));
    });
    request.send(file);
  });
}
