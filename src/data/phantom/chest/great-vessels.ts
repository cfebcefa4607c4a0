/** Paints the large vessels, trachea with main bronchi and oesophagus. */
import { rootLumen } from '../root.ts';
import { grown, type Shape } from '../shapes.ts';
import type { HeartPlan } from './heart-plan.ts';
import { label } from '../heart-values.ts';
import { paintAll, type Scene } from './scene.ts';
import { rodsAlong, type Course } from './solids.ts';
import type { GreatVessels } from './vessel-plan.ts';

/** Paints trachea, bronchi and oesophagus. */
export function paintPassages(scene: Scene, { airways, oesophagus }: GreatVessels): void {
  const { tissue } = scene;
  const random = scene.random.fork('passages');
  paintAll(scene, rodsAlong(oesophagus, 1), tissue.muscle - 8);
  if (random.uniform() < 0.5) {
    // A bubble or a short column of air.
    const first = Math.floor(random.uniform() * 10);
    const part = rodsAlong(oesophagus, -3.8).slice(first, first + 2 + random.integer(4));
    paintAll(scene, part, tissue.gas);
  }
  paintAll(scene, airways.flatMap((course) => rodsAlong(course, 1.5)), tissue.vesselWall); // prettier-ignore
  paintAll(scene, airways.flatMap((course) => rodsAlong(course)), tissue.airway); // prettier-ignore
}

/** Paints cavae and azygos. */
export function paintSystemicVeins(scene: Scene, vessels: GreatVessels): void {
  const { tissue } = scene;
  paintWalled(scene, [vessels.azygos], tissue.lateVein, label.none);
  paintWalled(scene, [vessels.cavaInferior], tissue.cavaInferior, label.none);
  paintWalled(scene, vessels.cavaSuperior, tissue.cavaSuperior, label.none);
}

/** Paints the pulmonary arteries: after the right heart, whose outflow tract ends in them. */
export function paintPulmonaryArteries(scene: Scene, { pulmonary }: GreatVessels): void {
  paintWalled(scene, pulmonary, scene.tissue.pulmonaryArtery, label.pulmonaryArtery);
}

function paintWalled(scene: Scene, courses: readonly Course[], hu: number, value: number): void {
  paintAll(scene, courses.flatMap((course) => rodsAlong(course, 1.2)), scene.tissue.vesselWall); // prettier-ignore
  paintAll(scene, courses.flatMap((course) => rodsAlong(course)), hu, value); // prettier-ignore
}

/** Paints the veins of the lung up to the atrium. */
export function paintPulmonaryVeins(scene: Scene, { veins }: GreatVessels): void {
  paintAll(scene, veins.flatMap((course) => rodsAlong(course, 1)), scene.tissue.vesselWall); // prettier-ignore
  paintAll(scene, veins.flatMap((course) => rodsAlong(course)), scene.tissue.leftAtrium, label.leftAtrium); // prettier-ignore
}

/** Paints root, aorta and the branches of the arch. */
export function paintAorta(scene: Scene, heart: HeartPlan, vessels: GreatVessels): void {
  const { tissue } = scene;
  const { root } = heart;
  const tubes = rodsAlong(vessels.aorta);
  const branches = vessels.archBranches.flatMap((course) => rodsAlong(course));
  const walls: Shape[] = [...tubes, ...branches].map((shape) => grown(shape, 1.6));
  paintAll(scene, [rootLumen(root, 1.8, -0.5), ...walls], tissue.vesselWall);
  paintAll(scene, branches, tissue.aorta * 0.98);
  paintAll(scene, [rootLumen(root, 0, 1), ...tubes], tissue.aorta, label.aorta);
}
