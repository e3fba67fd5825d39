"use strict";
{
  const field = (id) => document.getElementById(id);
  const items = Array.from(document.querySelectorAll(".item"), (element) => ({
    element,
    text: element.textContent.toLowerCase(),
  }));
  const filter = () => {
    const wanted = field("search").value.toLowerCase();
    let shown = 0;
    for (const { element, text } of items) {
      element.hidden =
        !text.includes(wanted) ||
        !["outcome", "kind"].every((name) => ["", element.dataset[name]].includes(field(name).value));
      shown += !element.hidden;
    }
    field("shown").value = `${shown} shown`;
  };
  field("filters").addEventListener("input", filter);
  field("filters").addEventListener("submit", (event) => event.preventDefault());
  filter();
}
