"use strict";

// Votes of blind comparisons: kept in this browser, tallied and exported.
class Preferences {
  static FORMAT = "dap preferences 1"; // dap/reporting/preferences.py reads it
  static Z = 1.959963984540054; // of a 95 % interval

  #key;
  #listeners = [];

  // Votes on other sounds, as of an earlier run of the study, are kept apart.
  constructor(study, sounds) {
    this.study = study;
    this.sounds = sounds;
    this.stored = true;
    this.#key = `dap-preferences/${study}/${sounds}`;
    this.data = { listener: crypto.randomUUID(), votes: [] };
    try {
      const text = localStorage.getItem(this.#key);
      if (text) this.data = JSON.parse(text);
    } catch {
      this.stored = false;
    }
  }

  get votes() {
    return this.data.votes;
  }

  onchange(listener) {
    this.#listeners.push(listener);
  }

  add(vote) {
    const identified = { id: crypto.randomUUID(), at: new Date().toISOString(), ...vote };
    this.data.votes.push(identified);
    this.#changed();
  }

  forget() {
    this.data.votes = [];
    this.#changed();
  }

  #changed() {
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.data));
      this.stored = true;
    } catch {
      this.stored = false; // the votes live as long as the page
    }
    for (const listener of this.#listeners) listener();
  }

  // Wilson's score interval of a share.
  static interval(preferred, trials) {
    const z2 = Preferences.Z ** 2;
    const share = preferred / trials;
    const centre = share + z2 / (2 * trials);
    const half = Preferences.Z * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials ** 2));
    const scale = 1 + z2 / trials;
    return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
  }

  // For each method of an experiment: trials with it, and in how many it was preferred.
  tally(experiment) {
    const counts = new Map();
    for (const vote of this.votes.filter((each) => each.experiment === experiment)) {
      for (const side of ["a", "b"]) {
        const count = counts.get(vote[side]) ?? { trials: 0, preferred: 0 };
        count.trials += 1;
        count.preferred += vote.preferred === side ? 1 : 0;
        counts.set(vote[side], count);
      }
    }
    return [...counts]
      .map(([method, count]) => ({
        method, ...count, interval: Preferences.interval(count.preferred, count.trials),
      }))
      .sort((a, b) => b.preferred / b.trials - a.preferred / a.trials);
  }

  export() {
    const { study, sounds, data } = this;
    return JSON.stringify({ format: Preferences.FORMAT, study, sounds, ...data }, null, 2) + "\n";
  }
}
