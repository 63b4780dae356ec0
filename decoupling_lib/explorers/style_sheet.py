"""The look of explorers in the browser: where their parts lie, how pictures are enlarged, and the projector mode.

Everything that moves does so in the browser alone, by the state of a toggle button: a kernel that computes need not
answer. Classes begin with "dl-". Two of them in a selector outweigh the rules of ipywidgets.
"""

from __future__ import annotations

import ipywidgets

STYLE = """
.dl-explorer.dl-explorer { display: grid; width: 100%; gap: .7em 1.6em; align-items: start; overflow: visible;
  grid-template: "intro result" auto "controls result" 1fr / minmax(17em, 27em) minmax(0, 1fr);
  font-size: var(--jp-widgets-font-size); line-height: 1.4; color: var(--jp-ui-font-color1, #222);
  --jp-widgets-inline-label-width: 10em; }
.dl-explorer.dl-explorer .dl-intro { grid-area: intro; }
.dl-explorer.dl-explorer .dl-controls { grid-area: controls; }
.dl-explorer.dl-explorer .dl-result { grid-area: result; }
.dl-explorer :is(.dl-intro, .dl-controls, .dl-result, .dl-buttons, .dl-control, .dl-only, .dl-pictures, .dl-tiles) {
  overflow: visible; min-width: 0; width: auto; }
.dl-result.dl-result > * { flex-shrink: 0; }
.dl-result.dl-result > .widget-hprogress { height: .6em; margin: 0 0 .2em; }
.dl-only.dl-only > .dl-exhibit { width: 100%; }
@media (max-width: 900px) {
  .dl-explorer.dl-explorer { grid-template: "intro" auto "result" auto "controls" auto / minmax(0, 1fr); }
}
.dl-text h3 { margin: 0 0 .3em; font-size: 1.25em; line-height: 1.2; }
.dl-text p { margin: 0 0 .4em; line-height: 1.4; }
.dl-text .dl-question { font-weight: 600; }
.dl-text .widget-html-content, .dl-status .widget-html-content, .dl-links .widget-html-content {
  font-size: inherit; line-height: 1.4; }
.dl-status.dl-status { min-height: 1.4em; height: auto; }
.dl-links a { color: #1f4fbf; text-decoration: underline; }
.dl-links code { overflow-wrap: anywhere; user-select: all; }
.dl-links .dl-word { display: inline-block; max-width: 100%; white-space: pre-wrap; }
.dl-explorer.dl-explorer .dl-buttons { display: flex; flex-flow: row wrap; gap: .3em; margin: .1em 0; }
.dl-explorer.dl-explorer .dl-buttons > * { width: auto; margin: 0; }
/* ipywidgets writes the number of files behind the text, which means nothing here: "Own picture (0)". */
.dl-upload.dl-upload { position: relative; color: transparent; }
.dl-upload.dl-upload::after { content: "Own picture …"; content: "Own picture …" / ""; position: absolute; inset: 0;
  display: grid; place-items: center; color: var(--jp-ui-font-color1, #222); }

.dl-explorer.dl-explorer .dl-control { position: relative; display: grid; align-items: center; gap: .3em;
  grid-template-columns: minmax(0, 1fr) 1.6em; }
.dl-explorer.dl-explorer .dl-control > .jupyter-widgets { width: auto; min-width: 0; margin: .1em 0; }
.dl-explorer.dl-explorer .dl-control > .dl-mark { overflow: visible; }
.dl-explorer.dl-explorer .dl-control > .dl-mark, .dl-mark.dl-mark * { position: static; }
.dl-control.dl-control .widget-readout { min-width: 3.6em; }
.dl-control.dl-control > .widget-checkbox { padding-left: calc(var(--jp-widgets-inline-label-width) + .6em); }
.dl-help { width: 1.5em; height: 1.5em; padding: 0; border: 1px solid #767676; border-radius: 50%; background: none;
  color: inherit; font: inherit; line-height: 1; cursor: help; }
.dl-help::after { content: attr(data-tip); display: none; position: absolute; z-index: 20; top: 100%; left: 0; right: 0;
  padding: .5em .7em; border-radius: 4px; background: #1b1d21; color: #fff; text-align: left; white-space: normal;
  line-height: 1.35; }
.dl-help:is(:hover, :focus)::after { display: block; }

.dl-explorer.dl-explorer .dl-pictures { display: flex; flex-flow: row wrap; gap: .8em 1.2em; align-items: flex-start; }
.dl-explorer.dl-explorer .dl-tiles { display: grid; flex: 3 1 34em; gap: .6em; margin: 0; align-items: start;
  grid-template-columns: repeat(3, minmax(0, 1fr)); }
.dl-explorer.dl-explorer .dl-pictures > .dl-exhibit { flex: 1 1 28em; }
.dl-exhibit.dl-exhibit { position: relative; display: block; margin: 0; overflow: visible; min-width: 0; }
.dl-exhibit.dl-exhibit .widget-html, .dl-exhibit.dl-exhibit .jupyter-widgets { margin: 0; height: auto; }
.dl-exhibit figure { margin: 0; }
.dl-exhibit figcaption { margin-top: .2em; line-height: 1.3; overflow-wrap: anywhere; }
.dl-exhibit img { display: block; max-width: 100%; height: auto; background: #fff; }
.dl-exhibit img.dl-image, .dl-empty { width: 100%; aspect-ratio: 1; }
.dl-empty { box-sizing: border-box; border: 1px dashed #8a8a8a; }
.dl-pixels img.dl-image { image-rendering: pixelated; }
.dl-exhibit.dl-exhibit > .dl-zoom { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: zoom-in; }
.dl-exhibit.dl-exhibit:has(.dl-empty) > .dl-zoom { display: none; }
.dl-exhibit:has(> .dl-zoom:focus-visible) { outline: 3px solid #1f4fbf; outline-offset: 2px; }
.dl-exhibit.dl-exhibit:has(> .dl-zoom.mod-active) { position: fixed; inset: 0; z-index: 10000; display: grid;
  place-items: center; padding: 1vmin; background: #fff; color: #222; text-align: center; }
.dl-exhibit.dl-exhibit > .dl-zoom.mod-active { cursor: zoom-out; }
.dl-exhibit:has(> .dl-zoom.mod-active) img { width: 96vw !important; height: 86vh !important;
  max-height: none !important; object-fit: contain !important; object-position: center !important; }

.dl-page.dl-page { position: relative; width: 100%; overflow: visible; }
.dl-page.dl-page > .dl-projector { position: absolute; top: 0; right: 0; width: auto; margin: 0; z-index: 10; }
.dl-page .widget-tab > .widget-tab-contents { overflow: visible; padding: .8em 1em; }
.dl-page .dl-only img.dl-plot { width: min(100%, 56em); }
.dl-page .widget-tab > .lm-TabBar .lm-TabBar-tab { flex: 0 1 auto; min-width: 0; padding: 0 1em; width: auto; }
@media (max-width: 600px) { /* a phone, which needs no large type */
  .dl-page.dl-page > .dl-projector { display: none; }
  .dl-page .widget-tab > .widget-tab-contents { padding: .6em .4em; }
  .dl-page .widget-tab > .lm-TabBar .lm-TabBar-tab { padding: 0 .5em; }
}
.dl-page.dl-page:has(.dl-projector.mod-active) { position: fixed; inset: 0; z-index: 1000; padding: .3em .8em;
  overflow: hidden; background: #fff; --size: clamp(18px, 1.15vw, 24px); --jp-widgets-font-size: var(--size);
  --jp-ui-font-size1: var(--size); --jp-widgets-inline-height: calc(1.75 * var(--size));
  --jp-widgets-horizontal-tab-height: calc(1.7 * var(--size)); --jp-widgets-slider-handle-size: calc(1.1 * var(--size));
  --jp-widgets-slider-track-thickness: 6px; font-size: var(--size); }
.dl-page:has(.dl-projector.mod-active) .dl-explorer.dl-explorer { height: calc(100vh - 3.6em);
  grid-template-rows: auto minmax(0, 1fr); grid-template-columns: minmax(16em, 27em) minmax(0, 1fr); gap: .4em 1.2em; }
.dl-page:has(.dl-projector.mod-active) .dl-explorer.dl-explorer :is(.dl-controls, .dl-result) { overflow: hidden auto;
  max-height: 100%; }
.dl-page:has(.dl-projector.mod-active) .widget-tab > .widget-tab-contents { padding: .4em .6em; }
.dl-page:has(.dl-projector.mod-active) .dl-only > .dl-exhibit img.dl-plot { width: 100%;
  max-height: calc(100vh - 7em); object-fit: contain; object-position: left top; }
.dl-page:has(.dl-projector.mod-active) .dl-explorer.dl-explorer .dl-tiles { flex-basis: 30em; }
.dl-page:has(.dl-projector.mod-active) .dl-explorer.dl-explorer .dl-pictures > .dl-exhibit { flex-basis: 530px; }
.dl-page:has(.dl-projector.mod-active) .dl-help::after { position: fixed; inset: auto 0 0 0; border-radius: 0; }
.dl-page:has(.dl-projector.mod-active) .dl-pictures > .dl-exhibit img.dl-plot { width: 100%; }
.dl-page.dl-page:has(.dl-projector.mod-active) > .dl-projector { right: .8em; top: .3em; }
@media (max-width: 1300px) {
  .dl-page:has(.dl-projector.mod-active) .dl-explorer.dl-explorer { grid-template-columns: 15.5em minmax(0, 1fr); }
  .dl-page:has(.dl-projector.mod-active) .dl-control > .widget-inline-hbox { flex-wrap: wrap; height: auto; }
  .dl-page:has(.dl-projector.mod-active) .dl-control .widget-label { width: 100%; text-align: left; }
  .dl-page:has(.dl-projector.mod-active) .dl-control > .widget-checkbox { padding-left: 0; }
  .dl-page:has(.dl-projector.mod-active) .dl-pictures > .dl-exhibit img.dl-plot { max-width: 500px; }
  .dl-page:has(.dl-projector.mod-active) .dl-tiles img.dl-image { height: 15vh; aspect-ratio: auto; object-fit: contain;
    object-position: left; }
  .dl-page:has(.dl-projector.mod-active) .dl-tiles .dl-empty { height: 15vh; width: 15vh; }
}
"""


def style_widget() -> ipywidgets.HTML:
    """Return the style sheet as a widget that takes no place.

    Returns
    -------
    ipywidgets.HTML
        The widget.
    """
    widget = ipywidgets.HTML(f"<style>{STYLE}</style>")
    widget.layout.display = "none"
    return widget
