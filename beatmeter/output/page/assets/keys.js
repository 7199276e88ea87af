// The keyboard: every key is listed in the help, which a question mark opens.

export class Keys {
  constructor(list) {
    this.list = list;
    this.actions = new Map();
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  /**
   * Let a key do something.
   * @param {string} key as KeyboardEvent names it; letters in upper case; "Shift+" before arrows
   * @param {string} help what it does; null lists nothing
   */
  add(key, help, action) {
    this.actions.set(key, action);
    if (help === null) return;
    const term = this.list.appendChild(document.createElement("dt"));
    term.appendChild(document.createElement("kbd")).textContent = NAMES[key] ?? key;
    this.list.appendChild(document.createElement("dd")).textContent = help;
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event)) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const action = this.actions.get(event.shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key);
    if (!action) return;
    event.preventDefault();
    action(event);
  }
}

const NAMES = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  "Shift+ArrowLeft": "Shift ←",
  "Shift+ArrowRight": "Shift →",
};

/** Whether a key belongs to the element that has the focus. */
function isTyping({ target, key }) {
  if (target.matches("input[type=range], input[type=radio]")) return key.startsWith("Arrow");
  if (target.matches("input:not([type=checkbox]), textarea, select")) return true;
  return key === " " && target.matches("button, summary, a, input");
}
