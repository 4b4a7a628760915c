// A recording as docs/replay.md describes it, unpacked: poses as numbers that can be asked for at
// any moment.

export async function fetchRecording(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  // The server has looked at the file, and says in words why it does not send it.
  const isText = answer.headers.get("content-type")?.startsWith("text/");
  if (isText) throw new Error((await answer.text()).slice(0, 200));
  const unpacked = answer.body.pipeThrough(new DecompressionStream("gzip"));
  const recording = await new Response(unpacked).json();
  if (recording.format !== "taskwright-replay-1" || !recording.episodes?.length) {
    throw new Error("it is of a format that this page does not know");
  }
  return recording;
}

const SCALE = [0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001, 0.0001];
// Faster than this, a body was put somewhere else and did not go there.
const JUMP_M = 1.5;

export class Track {
  constructor(part) {
    this.first = part.first;
    this.frames = part.frames;
    this.poses = new Float32Array(7 * part.frames);
    part.poses.forEach((column, axis) => {
      let value = 0;
      for (let frame = 0; frame < part.frames; frame++) {
        if (frame < column.length) value += column[frame];
        this.poses[7 * frame + axis] = value * SCALE[axis];
      }
    });
    this.now = new Float32Array(7);
  }

  exists(time) {
    return time >= this.first && time < this.first + this.frames;
  }

  // The pose at a time in frames, between two of them too: seven numbers, valid until asked again.
  at(time) {
    const { poses, now } = this;
    const inside = Math.min(Math.max(time - this.first, 0), this.frames - 1);
    const before = 7 * Math.floor(inside);
    const after = Math.min(before + 7, poses.length - 7);
    let share = inside - Math.floor(inside);
    let apart = 0;
    for (let i = 0; i < 3; i++) apart = Math.max(apart, Math.abs(poses[after + i] - poses[before + i]));
    if (apart > JUMP_M) share = Math.round(share);
    for (let i = 0; i < 7; i++) now[i] = poses[before + i] * (1 - share) + poses[after + i] * share;
    return now;
  }
}
