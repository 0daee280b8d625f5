"use strict";

// Several versions of one sound, played at once: all but one are silent, so that switching loses
// neither the position nor a sample.
class Player {
  static #context = null;
  static #current = null; // the one that is heard

  #buffers = [];
  #sources = [];
  #gains = [];
  #began = 0; // the context's time at which the position was 0
  #position = 0; // seconds, while nothing plays
  #ended;

  constructor(ended) {
    this.#ended = ended;
    this.playing = false;
    this.selected = 0;
    this.loop = true;
  }

  static #now() {
    return Player.#context.currentTime;
  }

  get duration() {
    return this.#buffers.length ? this.#buffers[0].duration : 0;
  }

  get position() {
    if (!this.playing) return this.#position;
    const elapsed = Math.max(0, Player.#now() - this.#began);
    return this.loop ? elapsed % this.duration : Math.min(elapsed, this.duration);
  }

  // Take other sounds, of equal length; what plays goes on with them from their beginning.
  load(buffers) {
    const playing = this.playing;
    this.pause();
    this.#buffers = buffers;
    this.#position = 0;
    this.selected = Math.max(0, Math.min(this.selected, buffers.length - 1));
    if (playing) this.play();
  }

  play() {
    if (this.playing || !this.#buffers.length) return;
    if (Player.#current && Player.#current !== this) Player.#current.pause();
    Player.#current = this;
    Player.#context ??= new AudioContext();
    const context = Player.#context;
    context.resume();
    const start = context.currentTime + 0.02; // all are scheduled before the first begins
    if (this.#position >= this.duration) this.#position = 0;
    this.#gains = this.#buffers.map((_, i) => {
      const gain = new GainNode(context, { gain: i === this.selected ? 1 : 0 });
      gain.connect(context.destination);
      return gain;
    });
    this.#sources = this.#buffers.map((buffer, i) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: this.loop });
      source.connect(this.#gains[i]);
      source.start(start, this.#position);
      return source;
    });
    this.#sources[0].onended = () => this.#end();
    this.#began = start - this.#position;
    this.playing = true;
  }

  pause() {
    if (!this.playing) return;
    this.#position = this.position;
    this.playing = false;
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    for (const gain of this.#gains) gain.disconnect();
    this.#sources = this.#gains = [];
    this.#ended();
  }

  #end() {
    this.pause();
    this.#position = 0;
    this.#ended();
  }

  seek(seconds) {
    const playing = this.playing;
    this.pause();
    this.#position = Math.min(Math.max(0, seconds), this.duration);
    if (playing) this.play();
  }

  setLoop(loop) {
    const playing = this.playing;
    this.pause();
    this.loop = loop;
    if (playing) this.play();
  }

  // A short fade instead of a step, which would click.
  select(index) {
    this.selected = index;
    this.#gains.forEach((gain, i) => {
      gain.gain.setTargetAtTime(i === index ? 1 : 0, Player.#now(), 0.004);
    });
  }
}
