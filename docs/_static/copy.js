// A button on each piece of code that copies it. Output has none; of examples with prompts, only what is typed is copied.
document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll("article .highlight")) {
    if (block.closest(".cell_output")) continue;
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(typed(block.querySelector("pre").textContent));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }
});

function typed(text) {
  const prompt = /^(>>> ?|\.\.\. ?|\$ )/;
  const lines = text.trimEnd().split("\n");
  const prompted = lines.filter((line) => prompt.test(line));
  return (prompted.length ? prompted.map((line) => line.replace(prompt, "")) : lines).join("\n");
}
