// Runs before the first paint, so that nobody sees the wrong theme, language
// direction or letter size flash by. src/lib/preferences.ts writes these keys.
(function () {
  var root = document.documentElement;
  var saved = {};
  try {
    saved = JSON.parse(localStorage.getItem("chatets.look") || "{}") || {};
  } catch {
    // A blocked or broken store means the defaults.
  }
  var asks = function (q) { return matchMedia(q).matches; };
  var theme = saved.theme;
  if (theme !== "light" && theme !== "dark" && theme !== "contrast") {
    theme = asks("(prefers-contrast: more)") ? "contrast" : asks("(prefers-color-scheme: dark)") ? "dark" : "light";
  }
  root.dataset.theme = theme;
  if (saved.size === "large" || saved.size === "larger") root.dataset.size = saved.size;
  var language = saved.language || (navigator.language || "en").slice(0, 2);
  root.lang = language === "de" || language === "fr" ? language : "en";
})();
