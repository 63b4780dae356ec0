const slides = [...document.querySelectorAll("section")];
let at = 0;

function show(number) {
  at = Math.min(Math.max(number, 0), slides.length - 1);
  document.querySelectorAll("figure.enlarged").forEach((figure) => figure.classList.remove("enlarged"));
  slides.forEach((slide, place) => slide.classList.toggle("shown", place === at));
  document.getElementById("place").textContent = `${at + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${at + 1}`);
  window.scrollTo(0, 0);
}

function toggleNotes() {
  const shown = document.body.classList.toggle("with-notes");
  document.getElementById("notes").setAttribute("aria-pressed", shown);
}

// A row of pictures is low, so most of its slide is empty: enlarged, it fills the height, and shows the place that was clicked.
function enlarge(figure, x) {
  const image = figure.querySelector("img").getBoundingClientRect();
  const place = (x - image.left) / image.width;
  if (figure.classList.toggle("enlarged")) figure.scrollLeft = place * figure.scrollWidth - figure.clientWidth / 2;
}

const KEYS = {
  ArrowRight: () => show(at + 1), PageDown: () => show(at + 1), " ": () => show(at + 1),
  ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1),
  Home: () => show(0), End: () => show(slides.length - 1), n: toggleNotes,
  z: () => document.querySelectorAll("section.shown figure:not(.frames)").forEach((figure) => enlarge(figure, 0)),
};
document.addEventListener("keydown", (event) => {
  // Sliders, buttons and boxes on a slide keep the keys that they use themselves.
  if (event.target.closest("input, button, summary") && event.key !== "PageDown" && event.key !== "PageUp") return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); act(); }
});
let touched = null;
document.addEventListener("touchstart", (event) => { touched = event.touches[0].clientX; }, { passive: true });
document.addEventListener("touchend", (event) => {
  const moved = event.changedTouches[0].clientX - touched;
  if (Math.abs(moved) > 80 && !event.target.closest("input")) show(at - Math.sign(moved));
}, { passive: true });
for (const image of document.querySelectorAll("figure:not(.frames) > img")) {
  image.onclick = (event) => enlarge(image.parentElement, event.clientX);
}
document.getElementById("back").onclick = () => show(at - 1);
document.getElementById("on").onclick = () => show(at + 1);
document.getElementById("notes").onclick = toggleNotes;
window.addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1));
show(Number(location.hash.slice(1) || 1) - 1);
