"use strict";

// The panels of the page: each experiment's sounds, which are in audio elements until here.
(() => {
  const section = document.getElementById("listen");
  const preferences = new Preferences(section.dataset.study, section.dataset.sounds);

  async function decoded(audio, rate) {
    const content = atob(audio.src.slice(audio.src.indexOf(",") + 1));
    const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
    // at the rate of the file, where a spectrogram shows all that there is
    return new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.buffer);
  }

  // A clip of the page: its names, and its sounds, which are decoded when they are first asked for.
  function clipOf(element, rate) {
    const versions = [...element.querySelectorAll(".version")];
    const { corpus, clip, source, title, gaps } = element.dataset;
    let sounds = null;
    return {
      corpus, clip, source, title, gaps: JSON.parse(gaps),
      labels: versions.map((version) => version.dataset.label),
      versions() {
        sounds ??= Promise.all(versions.map(async (version) => {
          const buffer = await decoded(version.querySelector("audio"), rate);
          const power = Spectrogram.powers(buffer.getChannelData(0));
          const { label, note } = version.dataset;
          return { label, text: label, note, buffer, power };
        }));
        return sounds;
      },
    };
  }

  function build(panel) {
    const plain = panel.querySelector(".plain");
    const rate = Number(panel.dataset.rate);
    const elements = [...plain.querySelectorAll(".clip")];
    const clips = elements.map((element) => clipOf(element, rate));
    const body = document.getElementById("panel").content.cloneNode(true);
    const open = body.querySelector(".open");
    const trial = body.querySelector(".trial");
    const choice = body.querySelector("select");
    clips.forEach((clip, i) => choice.append(new Option(clip.title, i)));
    plain.replaceWith(body);
    plain.hidden = true; // it keeps the sounds
    panel.append(plain);

    const deck = new Deck(open.querySelector(".deck"), `Player of ${panel.dataset.title}`);
    async function show() {
      const clip = clips[choice.value];
      const sounds = await clip.versions();
      if (clip !== clips[choice.value]) return; // another one was chosen meanwhile
      deck.show(sounds, Spectrogram.loudest(sounds[0].power), clip.gaps);
      panel.dataset.ready = clip.title;
    }
    choice.addEventListener("change", show);
    // decoded when the panel comes near, since a page may have many
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      show();
    }, { rootMargin: "400px" }).observe(panel);

    const toggle = panel.querySelector(".blind");
    const tallied = panel.querySelector(".tally");
    const methods = [...new Set(clips.flatMap((clip) => clip.labels))].filter(
      (label) => label !== "clean");
    if (methods.length < 2) {
      toggle.hidden = true;
      tallied.hidden = true;
      return;
    }
    const name = panel.dataset.experiment;
    const blind = new Blind(trial, tallied, name, clips, methods, preferences);
    toggle.addEventListener("click", () => {
      const on = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", on);
      open.hidden = on;
      trial.hidden = !on;
      deck.stop();
      blind.stop();
      if (on) blind.next();
    });
  }

  for (const panel of section.querySelectorAll(".panel")) build(panel);

  const tools = document.getElementById("votes");
  const count = tools.querySelector(".count");
  const buttons = tools.querySelectorAll("button");
  const [save, forget] = buttons;
  function showCount() {
    const n = preferences.votes.length;
    count.textContent = `${n} vote${n === 1 ? "" : "s"} in this browser.` + (
      preferences.stored ? "" : " It stores nothing of this page: export before you close it.");
    for (const button of buttons) button.disabled = n === 0;
  }
  save.addEventListener("click", () => {
    const file = new Blob([preferences.export()], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `preferences-${preferences.study}-${preferences.data.listener.slice(0, 8)}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  forget.addEventListener("click", () => {
    if (window.confirm("Forget all votes on this study in this browser?")) preferences.forget();
  });
  preferences.onchange(showCount);
  showCount();
  tools.hidden = false;
})();
