package web

import (
	"github.com/valyala/fasthttp"
)

// policy lets a page of ours load what this origin serves and nothing else. A
// document data block (type application/json) is not script, so the bootstrap
// data needs no exception.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; font-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// boardPolicy is for the page that draws diagrams: it has no origin, can load
// nothing but scripts of ours, and asks nobody for anything. Its drawings need
// styles in their elements; nothing else lives there that they could change.
const boardPolicy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; sandbox allow-scripts; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"

// filePolicy is for what people have uploaded: nothing in it runs, whatever it
// claims to be.
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"

// apiPolicy is for answers that are no page.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// harden sets the headers every answer carries; a route may loosen single ones
// afterwards, and only files and pages do.
func harden(h *fasthttp.ResponseHeader, secure bool) {
	h.Set("Content-Security-Policy", apiPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
