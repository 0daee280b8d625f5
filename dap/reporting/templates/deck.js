"use strict";

// A player's controls: play, position, loop, a choice of versions, and their spectrograms.
class Deck {
  static #count = 0;

  #root;
  #player;
  #play;
  #seek;
  #time;
  #versions;
  #cursors = [];
  #name;
  #onheard;

  // `onheard` is called with the index of each version that is being heard.
  constructor(root, name, onheard = () => {}) {
    this.#root = root;
    this.#name = `deck-${++Deck.#count}`;
    this.#onheard = onheard;
    this.#play = root.querySelector(".play");
    this.#seek = root.querySelector(".seek input");
    this.#time = root.querySelector(".time");
    this.#versions = root.querySelector(".versions");
    root.setAttribute("aria-label", name);
    this.#player = new Player(() => this.#show());
    this.#play.addEventListener("click", () => this.toggle());
    this.#seek.addEventListener("input", () => {
      this.#player.seek(Number(this.#seek.value));
      this.#show();
    });
    root.querySelector(".loop input").addEventListener("change", (event) => {
      this.#player.setLoop(event.target.checked);
    });
    root.addEventListener("keydown", (event) => this.#key(event));
    this.clear();
  }

  // Nothing to play, until sounds are shown.
  clear() {
    this.#player.pause();
    this.#player.load([]);
    this.#cursors = [];
    this.#versions.replaceChildren(this.#versions.querySelector("legend"));
    this.#play.disabled = this.#seek.disabled = true;
    this.#show();
  }

  // `versions`: text, note, buffer and, to be drawn, power; `reference` is the level of 0 dB.
  show(versions, reference, gaps = []) {
    const keep = Math.min(this.#player.selected, versions.length - 1);
    this.#player.load(versions.map((version) => version.buffer));
    this.#cursors = [];
    const cards = versions.map((version, index) => {
      const card = document.createElement("div");
      card.className = "version";
      const label = document.createElement("label");
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = this.#name;
      radio.checked = index === keep;
      radio.addEventListener("change", () => this.select(index));
      const text = document.createElement("span");
      text.className = "name";
      text.textContent = version.text;
      label.append(radio, text);
      card.append(label);
      if (version.note) {
        const note = document.createElement("span");
        note.className = "soft";
        note.textContent = version.note;
        card.append(note);
      }
      if (version.power) card.append(this.#drawn(version, index, reference, gaps));
      return card;
    });
    this.#versions.replaceChildren(this.#versions.querySelector("legend"), ...cards);
    this.#seek.max = this.#player.duration;
    this.#play.disabled = this.#seek.disabled = false;
    this.#player.select(keep);
    this.#show();
  }

  #drawn(version, index, reference, gaps) {
    const frame = document.createElement("div");
    frame.className = "spectrogram";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Spectrogram of ${version.text}`);
    Spectrogram.draw(canvas, version.power, reference);
    frame.append(canvas);
    for (const [start, end] of gaps) {
      const gap = document.createElement("div");
      gap.className = "gap";
      gap.style.left = `${(100 * start) / version.buffer.duration}%`;
      gap.style.width = `${(100 * (end - start)) / version.buffer.duration}%`;
      frame.append(gap);
    }
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    frame.append(cursor);
    this.#cursors.push(cursor);
    // with a pointer alone; keys have the slider and the radio buttons
    frame.addEventListener("click", (event) => {
      const box = frame.getBoundingClientRect();
      this.#player.seek(((event.clientX - box.left) / box.width) * this.#player.duration);
      this.#radio(index).checked = true;
      this.select(index);
    });
    return frame;
  }

  #radio(index) {
    return this.#versions.querySelectorAll("input")[index];
  }

  toggle() {
    if (this.#player.playing) {
      this.#player.pause();
    } else {
      this.#player.play();
      this.#follow();
    }
    this.#show();
  }

  stop() {
    this.#player.pause();
  }

  select(index) {
    this.#player.select(index);
    this.#show();
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { target, key } = event;
    const plays = target.type === "radio" || target.type === "range";
    if (key === " " && plays) {
      event.preventDefault();
      this.toggle();
    } else if (/^[0-9]$/.test(key) && target.tagName !== "SELECT") {
      const radio = this.#radio((Number(key) + 9) % 10);
      if (!radio) return;
      radio.focus();
      radio.checked = true;
      this.select((Number(key) + 9) % 10);
    }
  }

  // Move the cursors for as long as it plays.
  #follow() {
    if (!this.#player.playing) return;
    this.#show();
    requestAnimationFrame(() => this.#follow());
  }

  #show() {
    const { position, duration, playing, selected } = this.#player;
    if (playing) this.#onheard(selected);
    this.#play.textContent = playing ? "Pause" : "Play";
    this.#seek.value = position;
    const text = `${position.toFixed(2)} of ${duration.toFixed(2)} s`;
    this.#seek.setAttribute("aria-valuetext", text);
    this.#time.textContent = text;
    for (const cursor of this.#cursors) {
      cursor.style.left = `${duration ? (100 * position) / duration : 0}%`;
    }
    [...this.#versions.querySelectorAll(".version")].forEach((card, index) => {
      card.classList.toggle("selected", index === selected);
    });
  }
}
