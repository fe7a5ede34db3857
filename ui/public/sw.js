// The service worker keeps two things: the page that says the server cannot be
// reached, and files whose name changes with their content. Never an answer of
// the server, and no page: a shared machine must hold nothing of anybody.
"use strict";
const store = "chatets-1";
const offline = ["/offline.html", "/offline.css", "/offline.js", "/icon.svg", "/theme.js"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(store).then((cache) => cache.addAll(offline)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== store).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (/^\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(url.pathname)) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match("/offline.html")));
  else if (offline.includes(url.pathname)) event.respondWith(fetch(request).catch(() => caches.match(request)));
});

async function kept(request) {
  const found = await caches.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.type === "basic") {
    const copy = answer.clone();
    void caches.open(store).then((cache) => cache.put(request, copy));
  }
  return answer;
}
