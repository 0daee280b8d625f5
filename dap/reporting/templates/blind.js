"use strict";

// Blind comparisons of an experiment's methods: two at a time, called A and B.
class Blind {
  #root;
  #tallied;
  #experiment;
  #clips;
  #preferences;
  #deck;
  #heard = new Set();
  #pair = null;
  #draws = 0;

  // `clips`: each has corpus, clip, source and versions(), a promise of its sounds by label.
  constructor(root, tallied, experiment, clips, methods, preferences) {
    this.#root = root;
    this.#tallied = tallied;
    this.#experiment = experiment;
    this.#clips = clips;
    this.#preferences = preferences;
    this.#deck = new Deck(root.querySelector(".deck"), "Player of A and B", (index) => {
      if (this.#heard.has(index)) return;
      this.#heard.add(index);
      this.#allow();
    });
    for (const button of root.querySelectorAll(".vote")) {
      button.addEventListener("click", () => this.#vote(button.value));
    }
    root.querySelector(".skip").addEventListener("click", () => this.next());
    const choice = root.querySelector(".compared");
    for (const method of methods) {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = method;
      box.checked = true;
      box.addEventListener("change", () => this.next());
      label.append(box, ` ${method}`);
      choice.append(label);
    }
    preferences.onchange(() => this.#tally());
    this.#tally();
  }

  stop() {
    this.#deck.stop();
  }

  // Draw a clip and two methods that it has, those with the fewest votes first.
  async next() {
    this.#deck.clear();
    this.#heard.clear();
    this.#pair = null;
    const draw = ++this.#draws;
    this.#allow();
    const chosen = [...this.#root.querySelectorAll(".compared input:checked")].map(
      (box) => box.value);
    const pairs = this.#clips.flatMap((clip) => {
      const there = chosen.filter((method) => clip.labels.includes(method));
      return there.flatMap((a, i) => there.slice(i + 1).map((b) => ({ clip, a, b })));
    });
    if (!pairs.length) {
      this.#say("Choose at least two methods to compare.");
      return;
    }
    const counts = pairs.map((pair) => this.#votes(pair));
    const fewest = Math.min(...counts);
    const least = pairs.filter((_, i) => counts[i] === fewest);
    let { clip, a, b } = least[Math.floor(Math.random() * least.length)];
    if (Math.random() < 0.5) [a, b] = [b, a];
    const sounds = await clip.versions();
    if (draw !== this.#draws) return; // another pair was asked for meanwhile
    this.#pair = { clip, a, b };
    this.#deck.show([a, b].map((method, i) => ({
      text: "AB"[i], buffer: sounds.find((sound) => sound.label === method).buffer,
    })));
    this.#allow();
  }

  #votes({ clip, a, b }) {
    return this.#preferences.votes.filter((vote) =>
      vote.experiment === this.#experiment && vote.corpus === clip.corpus &&
      vote.clip === clip.clip && vote.source === clip.source &&
      [vote.a, vote.b].sort().join() === [a, b].sort().join()).length;
  }

  // A vote is taken once both have been heard.
  #allow() {
    const ready = this.#pair !== null && this.#heard.size === 2;
    for (const button of this.#root.querySelectorAll(".vote")) button.disabled = !ready;
  }

  #vote(side) {
    const { clip, a, b } = this.#pair;
    const { corpus, clip: name, source } = clip;
    const experiment = this.#experiment;
    this.#preferences.add({ experiment, corpus, clip: name, source, a, b, preferred: side });
    const count = this.#preferences.votes.filter((vote) => vote.experiment === experiment).length;
    this.#say(`Vote ${count} is ${this.#preferences.stored ? "stored" : "kept until the page closes"}.`);
    this.next();
  }

  #say(text) {
    this.#root.querySelector(".said").textContent = text;
  }

  #tally() {
    const rows = this.#preferences.tally(this.#experiment).map((each) => {
      const row = document.createElement("tr");
      const name = document.createElement("th");
      name.scope = "row";
      name.textContent = each.method;
      const percent = (share) => (100 * share).toFixed(0);
      const [low, high] = each.interval.map(percent);
      const texts = [
        each.trials, each.preferred,
        `${percent(each.preferred / each.trials)} % [${low}, ${high}]`,
      ];
      row.append(name, ...texts.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return row;
    });
    this.#tallied.querySelector("tbody").replaceChildren(...rows);
    this.#tallied.querySelector(".none").hidden = rows.length > 0;
    this.#tallied.querySelector(".scroll").hidden = rows.length === 0;
  }
}
